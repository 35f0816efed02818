import type { RequestSummary } from '../../../local/simulators/faults/createRequestLog.js';
import { waitFor } from '../../support/waitFor.js';

/** As a stand-in's control server takes it (see local/simulators/faults/fault.ts). */
export interface Fault {
  method?: string;
  path?: string;
  times?: number;
  delayMs?: number;
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  reset?: true;
  hang?: true;
  effect?: 'none' | 'now' | { lateMs: number };
}

/** What the control server of every stand-in does. */
export interface StandInControl {
  /** `PUT /throttle` and the like. */
  tell<R>(request: string, body?: unknown): Promise<R>;
  /** What it was asked since the start, or since `forget`. */
  requested(): Promise<RequestSummary>;
  forget(): Promise<void>;
  /** Adds a fault. @returns waits until it has hit so many requests */
  fault(fault: Fault): Promise<(hits: number) => Promise<unknown>>;
  noFaults(): Promise<void>;
}

export function standInControl(url: string): StandInControl {
  async function tell<R>(request: string, body?: unknown): Promise<R> {
    const [method = 'GET', path = '/'] = request.split(' ');
    const response = await fetch(url + path, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${request}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as R;
  }
  let adding: Promise<unknown> = Promise.resolve();
  const faults = () => tell<(Fault & { hits: number })[]>('GET /faults');

  return {
    tell,
    requested: () => tell('GET /requests'),
    forget: () => tell('DELETE /requests'),
    async fault(fault) {
      // One after the other: a fault is known by its place.
      const added = adding.then(async () => {
        const { length } = await faults();
        await tell('POST /faults', fault);
        return length;
      });
      adding = added.catch(() => {});
      const index = await added;
      return (hits) =>
        waitFor(`${hits} hits of ${JSON.stringify(fault)}`, async () => {
          const now = (await faults())[index];
          return now !== undefined && now.hits >= hits;
        });
    },
    noFaults: () => tell('DELETE /faults'),
  };
}
