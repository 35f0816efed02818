import { setImmediate } from 'node:timers/promises';
import { limitRequests } from '../../src/balena/limitRequests.js';
import type { Credentials } from '../../src/certificates/mint.js';
import type { DeviceRequest } from '../../src/device/request.js';
import { openStatus, type StatusRow } from '../../src/health/status.js';
import { accept } from '../../src/provisioning/accept.js';
import type { WorkerDependencies } from '../../src/provisioning/dependencies.js';
import { processMessage } from '../../src/provisioning/worker.js';
import { openBalenaLimit } from '../../src/throttling/balenaLimit.js';
import { type CircuitRow, openCircuitBreaker } from '../../src/throttling/circuitBreaker.js';
import { openRateLimiter, type RateLimiterRow } from '../../src/throttling/openRateLimiter.js';
import { acceptDependencies } from './acceptTools.js';
import { memoryTable } from './memoryTable.js';
import { workerDependencies } from './workerTools.js';

const start = 1_800_000_000_000;
/** The calls of one host at the same time, as in host.json. */
const concurrency = 16;

const pair: Credentials = {
  thumbprint: 'A'.repeat(64),
  notBefore: start - 300_000,
  notAfter: start + 365 * 86_400_000,
  keyAlgorithm: 'ec-p256',
  certificate: 'certificate',
  privateKey: 'key',
};

/** The options of a virtual worker. */
export interface VirtualWorkerOptions {
  /** Registry operations a minute. */
  perMinute: number;
  /** Requests to balena a minute. */
  balenaPerMinute: number;
  /** Whether balena has the device. Every device of balena has one service, "main". */
  hasDevice: (uuid: string) => boolean;
  /** Changes the dependencies, for example to let calls fail. */
  prepare?: (deps: WorkerDependencies) => void;
}

/**
 * One worker with the product's own code and rate limiter, in virtual time. Calls to balena and to the hub take no time, and all of them
 * are counted. As in a Functions host, 16 messages are handled at the same time.
 */
export function virtualWorker({
  perMinute,
  balenaPerMinute,
  hasDevice,
  prepare = () => {},
}: VirtualWorkerOptions) {
  const { deps: accepting, sent, clock, record } = acceptDependencies(start);
  const counts = { balena: 0, hub: 0, deadLetters: 0, deliveries: 0 };
  const { deps: fakes } = workerDependencies(start);
  const circuit = (dependency: 'balena' | 'hub') =>
    openCircuitBreaker({ dependency, table: memoryTable<CircuitRow>(), clock, log: () => {} });
  const rateLimiter = (operations: number) =>
    openRateLimiter({ table: memoryTable<RateLimiterRow>(), clock, perMinute: operations });
  const balenaLimit = openBalenaLimit(rateLimiter(balenaPerMinute), clock);
  const { findDevice } = fakes.balena;
  const balena: WorkerDependencies['balena'] = {
    ...fakes.balena,
    findDevice: async (uuid) => (hasDevice(uuid) ? findDevice(uuid) : null),
  };
  const deps: WorkerDependencies = {
    ...fakes,
    ...accepting,
    hub: counted(fakes.hub, () => counts.hub++),
    balena: limitRequests(
      counted(balena, () => counts.balena++),
      balenaLimit,
    ),
    balenaLimit,
    // Cryptography takes real time. The fakes never read a certificate.
    mint: async () => pair,
    rateLimiter: rateLimiter(perMinute),
    circuits: { balena: circuit('balena'), hub: circuit('hub') },
    status: openStatus({ table: memoryTable<StatusRow>(), clock }),
  };
  prepare(deps);

  /** What happens later, in the order of time: messages that become active, and calls that wait in memory. */
  const later: { at: number; go: () => void }[] = [];
  const schedule = (at: number, go: () => void) => {
    const index = later.findLastIndex((other) => other.at <= at);
    later.splice(index + 1, 0, { at, go });
  };
  const active: (() => Promise<void>)[] = [];
  let running = 0;
  clock.sleep = (ms) => new Promise((resolve) => schedule(clock.at + Math.max(0, ms), resolve));

  /** Moves what was sent into the queue. */
  function collect(): void {
    for (const message of sent.splice(0)) {
      const deliver = () => {
        counts.deliveries += 1;
        return processMessage(deps, message, {
          sequenceNumber: String(counts.deliveries),
          enqueuedAt: clock.now(),
          deadLetter: async () => void counts.deadLetters++,
          log: () => {},
        });
      };
      schedule(message.at, () => active.push(deliver));
    }
  }

  /** Lets everything happen that is due now. */
  async function settle(): Promise<void> {
    for (let before = -1; before !== counts.deliveries || active.length > 0; ) {
      before = counts.deliveries;
      while (running < concurrency && active.length > 0) {
        running += 1;
        void active.shift()!().finally(() => {
          running -= 1;
        });
      }
      await setImmediate();
      collect();
      const due = later.splice(0, later.findLastIndex(({ at }) => at <= clock.at) + 1);
      for (const { go } of due) go();
      if (due.length > 0) before = -1;
      if (running === concurrency && due.length === 0) break;
    }
  }

  return {
    deps,
    clock,
    counts,
    record,
    request: (request: DeviceRequest) => accept(accepting, request),
    /** Lets the worker work until the condition holds. @returns the virtual time that has passed, ms */
    async until(isDone: () => boolean | Promise<boolean>, mostMs: number): Promise<number> {
      const from = clock.at;
      collect();
      await settle();
      while (!(await isDone())) {
        if (clock.at - from > mostMs) throw new Error(`not done after ${mostMs} ms of virtual time`);
        clock.at = Math.max(clock.at + 1, later[0]?.at ?? 0);
        await settle();
      }
      return clock.at - from;
    },
  };
}

/** The same object, with a counter for each call of a method. */
function counted<T extends object>(target: T, count: () => void): T {
  const entries = Object.entries(target).map(([name, method]) => [
    name,
    (...args: unknown[]) => {
      count();
      return (method as (...args: unknown[]) => unknown)(...args);
    },
  ]);
  return Object.fromEntries(entries) as T;
}
