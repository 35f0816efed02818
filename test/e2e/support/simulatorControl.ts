import type { RequestSummary } from '../../../local/simulators/shared/requests.js';
import { waitFor } from '../../support/waitFor.js';

/** A fault in the format of the control server (see local/simulators/faults/fault.ts). */
export interface Fault {
  method?: string;
  path?: string;
  /** For balena: a device's uuid or a fleet's slug. */
  subject?: string;
  times?: number;
  delayMs?: number;
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** The body is a gateway's HTML page. */
  gateway?: true;
  reset?: true;
  hang?: true;
  effect?: 'none' | 'now' | { lateMs: number };
}

/** The functions of the control server of every simulator. */
export interface SimulatorControl {
  /** `PUT /throttle` and the like. */
  tell<R>(request: string, body?: unknown): Promise<R>;
  /** The requests since the start, or since `forget`. */
  requested(): Promise<RequestSummary>;
  forget(): Promise<void>;
  /**
   * Adds a fault.
   *
   * @returns a function to wait for a number of hits
   */
  fault(fault: Fault): Promise<(hits: number) => Promise<unknown>>;
  noFaults(): Promise<void>;
}

export function simulatorControl(url: string): SimulatorControl {
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
      // Faults are added after each other, because a fault is known by its index.
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
