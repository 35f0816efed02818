import type { OwnKey } from '../../../src/device/record.js';
import type { Acceptance } from '../../../src/provisioning/accept.js';
import type { Process, World } from './createWorld.js';
import { longestTravelMs } from './request.js';

/** The state that a caller requests for a device. */
export type Wish = { present: true; service: string | null; own?: OwnWish | undefined } | { present: false };

/** An own key: with a certificate that the device has signed, or (null) with any certificate of the CA. */
export type OwnWish = Pick<OwnKey, 'key' | 'thumbprint'>;

/** Whether a record or a message has the own key of a wish. */
export function isMet(wish: OwnWish | undefined, own: OwnKey | undefined): boolean {
  if (!wish || !own) return wish === own;
  if (wish.thumbprint !== null) return wish.thumbprint === own.thumbprint;
  return wish.key === own.key && (own.thumbprint === null || own.certificate !== undefined);
}

/** Whether both wishes are for the same service, or both for an own key. */
export function isSamePlace(one: Wish, other: Wish): boolean {
  return one.present && other.present && one.service === other.service;
}

/** A request from the caller's point of view: the call, and the answer if there was an answer. Nothing here is read from a record. */
export interface CallerRequest {
  wish: Wish;
  /** An event "created" counts only for a device without an earlier request. */
  isEvent: boolean;
  /** Whether the caller has proved to be the device; undefined: a caller with a key of its own. */
  proof: boolean | undefined;
  process: Process;
  calledAt: number;
  /** Null: no answer came. */
  answeredAt: number | null;
  answer: Acceptance['kind'] | 'ignored' | 'error' | null;
  /** The request id in the answer. */
  requestId: string | null;
}

/** A write without an answer takes effect within this time of the error, or of the death of its process. */
const lateWriteMs = longestTravelMs + 10_000;
const withoutEffect = new Set<CallerRequest['answer']>([
  'service-conflict',
  'too-many-keys',
  'revoked',
  'unproved',
  'ignored',
]);
const acknowledging = new Set<CallerRequest['answer']>([
  'accepted',
  'already-provisioned',
  'checking',
  'failed',
]);

/** The callers of one device, and their answers. */
export class Callers {
  readonly requests: CallerRequest[] = [];
  /** The last time at which the record was lost or replaced by an older version. Requests from before may be lost with it. */
  lostAt = Number.NEGATIVE_INFINITY;
  /** When the record first held each request id. Only used to tell an answer from a restored version of the record. */
  readonly firstWrittenAt = new Map<string, number>();
  /** The requests that failed for good, by id, each with the time. */
  readonly gaveUp = new Map<string, number>();
  /** Rotations never change a wish. Each rotation gives the device's request a new id; null: the operator was not told the id. */
  readonly rotations: { requestId: string | null }[] = [];
  /** Thumbprints of acknowledged rotations. At rest the device must hold none of these. */
  readonly retired = new Set<string>();
  /** Thumbprints of acknowledged rotations with revocation. At rest the hub must accept none of these. */
  readonly revoked = new Set<string>();
  /** The own keys of these. At rest the hub must accept no certificate of such a key. */
  readonly revokedKeys = new Set<string>();
  /** The acts of operators: cancelled a job of this device, discarded requests (by id), discarded everything. */
  readonly operators = { cancelled: false, discarded: new Set<string>(), discardedAll: false };

  constructor(private readonly world: World) {}

  call(
    wish: Wish,
    process: Process,
    { isEvent = false, proof }: { isEvent?: boolean; proof?: boolean | undefined } = {},
  ): CallerRequest {
    const request: CallerRequest = {
      wish,
      isEvent,
      proof,
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
    // The answer to a refused caller has the id of another request.
    Object.assign(request, {
      answer,
      requestId: acknowledging.has(answer) ? requestId : null,
      answeredAt: this.world.now,
    });
  }

  /**
   * The candidates for the outcome at rest: all requests without a later acknowledged request. Requests with overlapping times can take
   * effect in either order. A request without acknowledgement may have taken effect, or not.
   *
   * @param among only these requests count; default: all
   */
  candidates(among: readonly CallerRequest[] = this.requests): CallerRequest[] {
    const acknowledged = this.acknowledged().filter((request) => among.includes(request));
    return among.filter((request) => {
      if (request.answer !== null && withoutEffect.has(request.answer)) return false;
      if (this.isShutOut(request)) return false;
      if (request.isEvent && acknowledged.some(({ isEvent }) => !isEvent)) return false;
      const until = this.effectUntil(request);
      return !acknowledged.some(({ calledAt, isEvent }) => !isEvent && calledAt > until);
    });
  }

  /** Was a request acknowledged since the record was last lost? */
  isRequested(): boolean {
    return this.acknowledged().length > 0;
  }

  acknowledged(): CallerRequest[] {
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

  /**
   * Whether a request without a proof must change nothing: a caller who had proved to be the device was told before that another service is requested, and
   * nobody else has requested the service of the request.
   */
  isShutOut(request: CallerRequest): boolean {
    const { wish, proof, calledAt } = request;
    if (proof !== false || !wish.present) return false;
    const others = this.requests.filter((each) => each !== request && each.proof !== false);
    if (others.some((each) => isSamePlace(each.wish, wish))) return false;
    const proved = this.acknowledged().findLast((each) => each.proof && (each.answeredAt ?? 0) < calledAt);
    // A request for a service that does not exist is refused, and the request before comes back.
    if (!proved || (proved.wish.present && proved.wish.service === 'x')) return false;
    if (this.gaveUp.has(proved.requestId ?? '')) return false;
    // A deprovisioning ends the need for a proof.
    const isBefore = ({ answeredAt }: CallerRequest) => answeredAt !== null && answeredAt < proved.calledAt;
    return others.every((each) => each.wish.present || (each.answer === 'accepted' && isBefore(each)));
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
