import type { Acceptance } from '../../../src/provisioning/accept.js';
import type { Process, World } from './createWorld.js';
import { longestTravelMs } from './request.js';

/** The state that a caller requests for a device. */
export type Wish = { present: true; service: string } | { present: false };

/** A request as its caller sees it: the call, and the answer if one came. Nothing here is read from a record. */
export interface CallerRequest {
  wish: Wish;
  /** An event "created" counts only for a device that nobody requested before. */
  isEvent: boolean;
  process: Process;
  calledAt: number;
  /** Null: no answer came. */
  answeredAt: number | null;
  answer: Acceptance['kind'] | 'ignored' | 'error' | null;
  /** The id that the caller was told. */
  requestId: string | null;
}

/** A write without an answer takes effect within this time of the error, or of the death of its process. */
const lateWriteMs = longestTravelMs + 10_000;
const acknowledging = new Set<CallerRequest['answer']>(['accepted', 'already-provisioned', 'failed']);

/** The callers of one device, and what each of them was told. */
export class Callers {
  readonly requests: CallerRequest[] = [];
  /** The last time at which the record was lost or replaced by an older version. Requests from before may be lost with it. */
  lostAt = Number.NEGATIVE_INFINITY;
  /** When the record first held each request id. Only used to tell an answer from a restored version of the record. */
  readonly firstWrittenAt = new Map<string, number>();
  /** Rotations never change a wish, and each gives the device's request a new id; null: the operator was not told which. */
  readonly rotations: { requestId: string | null }[] = [];
  /** Thumbprints of acknowledged rotations: the device must not hold them at rest. */
  readonly retired = new Set<string>();
  /** Thumbprints of acknowledged rotations with revocation: the hub must not accept them at rest. */
  readonly revoked = new Set<string>();
  /** Whether operators have cancelled something of this device, and the ids of the requests that they have discarded. */
  readonly operators = { cancelled: false, discarded: new Set<string>(), discardedAll: false };

  constructor(private readonly world: World) {}

  call(wish: Wish, process: Process, isEvent = false): CallerRequest {
    const request: CallerRequest = {
      wish,
      isEvent,
      process,
      calledAt: this.world.now,
      answeredAt: null,
      answer: null,
      requestId: null,
    };
    this.requests.push(request);
    return request;
  }

  answer(request: CallerRequest, answer: CallerRequest['answer'], requestId: string | null = null): void {
    // A caller that is refused is told the id of another request.
    Object.assign(request, {
      answer,
      requestId: acknowledging.has(answer) ? requestId : null,
      answeredAt: this.world.now,
    });
  }

  /**
   * The requests of which one must be the outcome at rest: those that no acknowledged request follows. Requests that overlap in
   * time can take effect in either order. A request without acknowledgement may have taken effect, or not.
   */
  candidates(): CallerRequest[] {
    const acknowledged = this.acknowledged();
    return this.requests.filter((request) => {
      if (request.answer === 'service-conflict' || request.answer === 'ignored') return false;
      if (request.isEvent && acknowledged.some(({ isEvent }) => !isEvent)) return false;
      const until = this.effectUntil(request);
      return !acknowledged.some(({ calledAt, isEvent }) => !isEvent && calledAt > until);
    });
  }

  /** Is it certain that the device was requested since its record was last lost? */
  isRequested(): boolean {
    return this.acknowledged().length > 0;
  }

  private acknowledged(): CallerRequest[] {
    return this.requests.filter(
      (request) =>
        acknowledging.has(request.answer) &&
        request.calledAt > this.lostAt &&
        !this.isAnsweredByOldVersion(request),
    );
  }

  /**
   * By design (docs/protocol.md, "What is left open"): a restored version of the record may answer a request without a write. A message
   * of a lost version can still undo that answer.
   */
  private isAnsweredByOldVersion({ requestId }: CallerRequest): boolean {
    const writtenAt = requestId === null ? undefined : this.firstWrittenAt.get(requestId);
    return writtenAt !== undefined && writtenAt <= this.lostAt;
  }

  private effectUntil({ answer, answeredAt, process, calledAt }: CallerRequest): number {
    const ownUntil =
      answeredAt !== null && acknowledging.has(answer)
        ? answeredAt
        : (answeredAt ?? process.diedAt ?? Number.POSITIVE_INFINITY) + lateWriteMs;
    // A message from before the loss makes the record again until another request is written.
    return calledAt <= this.lostAt ? Math.max(ownUntil, this.lostAt) : ownUntil;
  }
}
