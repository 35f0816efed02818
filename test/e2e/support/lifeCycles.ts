import { setTimeout } from 'node:timers/promises';
import { waitFor } from '../../support/waitFor.js';
import type { Answer, ProvisionApi } from './provisionApi.js';

/** Devices that are provisioned and deprovisioned in turn, through several HTTP fronts, until `end`. */
export interface LifeCycles {
  /** The fronts that get the requests from now on, in turn. A request without an answer goes to the next front. */
  use(...fronts: Front[]): void;
  /** Waits until each of these fronts has accepted so many further requests. */
  accepted(count: number, by: readonly Front[]): Promise<unknown>;
  /** Waits until the front has answered 503 to each device. */
  refused(by: Front): Promise<unknown>;
  /**
   * Ends each cycle with its last accepted request.
   *
   * @returns the state that each device has reached
   * @throws Error if a request was rejected, or has failed for good
   */
  end(): Promise<Map<string, string>>;
  /** Stops all requests at once, for a test that has failed. */
  stop(): void;
  /** The number of accepted requests. */
  count(): number;
}

/** An HTTP front, and its counters. */
export interface Front {
  api: ProvisionApi;
  accepted: number;
  /** The devices that the front has answered with 503. */
  refused: Set<string>;
}

/** The time between two requests of a device, as short as the machine of a test allows. */
const everyMs = 500;

/** Starts a cycle for each device. */
export function startLifeCycles(devices: readonly string[]): LifeCycles {
  let fronts: Front[] = [];
  let turn = 0;
  let hasEnded = false;
  let isStopped = false;
  let count = 0;
  const reached = new Map<string, string>();

  /** @returns null if the front gave no answer, because it is being stopped, for example */
  async function send(
    uuid: string,
    run: (api: ProvisionApi) => Promise<Answer>,
  ): Promise<[Front, Answer] | null> {
    turn += 1;
    const front = fronts[turn % fronts.length];
    const answer = await (front && run(front.api).catch(() => null));
    if (!front || !answer) return null;
    if (answer.status === 503) front.refused.add(uuid);
    return [front, answer];
  }

  async function isAccepted(uuid: string, wanted: string): Promise<boolean> {
    const sent = await send(uuid, (api) =>
      wanted === 'provisioned' ? api.post(uuid, 'main') : api.del(uuid),
    );
    if (!sent) return false;
    const [front, { status, text }] = sent;
    if (![202, 409, 503].includes(status)) throw new Error(`${uuid}: ${status} ${text}`);
    if (status !== 202) return status === 409;
    front.accepted += 1;
    count += 1;
    return true;
  }

  async function hasReached(uuid: string, wanted: string): Promise<boolean> {
    const sent = await send(uuid, (api) => api.get(uuid));
    if (sent?.[1].json.state === 'failed') throw new Error(sent[1].text);
    return sent?.[1].json.state === wanted;
  }

  async function cycle(uuid: string): Promise<void> {
    for (let step = 0; !hasEnded && !isStopped; step += 1) {
      const wanted = step % 2 === 0 ? 'provisioned' : 'deprovisioned';
      while (!isStopped && !(await isAccepted(uuid, wanted))) await setTimeout(everyMs);
      while (!isStopped && !(await hasReached(uuid, wanted))) await setTimeout(everyMs);
      reached.set(uuid, wanted);
    }
  }

  const cycles = Promise.all(devices.map(cycle));
  // `end` and the conditions hand the error over.
  cycles.catch(() => {});
  const until = (condition: string, isTrue: () => boolean) =>
    Promise.race([waitFor(condition, isTrue), cycles]);
  return {
    use(...next) {
      fronts = next;
    },
    accepted(more, by) {
      const goals = by.map((front) => ({ front, goal: front.accepted + more }));
      return until(`each front has accepted ${more} requests more`, () =>
        goals.every(({ front, goal }) => front.accepted >= goal),
      );
    },
    refused: ({ refused }) =>
      until('the front has answered 503 to each device', () => devices.every((uuid) => refused.has(uuid))),
    async end() {
      hasEnded = true;
      await cycles;
      return reached;
    },
    stop() {
      isStopped = true;
    },
    count: () => count,
  };
}
