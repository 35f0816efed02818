import { rememberSight } from '../../src/balena/sight.js';
import { noCa } from '../../src/certificates/ca/ca.js';
import { minter } from '../../src/certificates/mint.js';
import { openStatus, type StatusRow } from '../../src/health/status.js';
import type { HubIdentity, IdentityVersion, ThumbprintPair } from '../../src/iothub/types.js';
import type { Delivery, WorkerDependencies } from '../../src/provisioning/dependencies.js';
import type { ProvisioningMessage } from '../../src/queue/messages.js';
import type { BalenaLimit } from '../../src/throttling/balenaLimit.js';
import { type CircuitRow, openCircuitBreaker } from '../../src/throttling/circuitBreaker.js';
import type { RateLimiter } from '../../src/throttling/rateLimiter.js';
import { acceptDependencies } from './acceptTools.js';
import { memoryTable } from './memoryTable.js';

/** The dependencies of a worker in memory, for a device with one service "main". Each call to the hub or to balena is noted. */
export function workerDependencies(at: number) {
  const { deps: accepting, ...system } = acceptDependencies(at);
  const { clock } = system;
  const calls: string[] = [];
  /** Errors that the next calls of these names throw. */
  const fails = new Map<string, unknown>();
  /** Errors that all calls of these names throw. */
  const failsAlways = new Map<string, unknown>();
  let identity: HubIdentity | 'none' = 'none';
  const call = (name: string) => {
    calls.push(name);
    const error = fails.get(name) ?? failsAlways.get(name);
    if (error === undefined) return;
    fails.delete(name);
    throw error;
  };
  const write = (name: string) => async (_uuid: string, thumbprints: ThumbprintPair) => {
    call(`hub ${name}`);
    const version: IdentityVersion = { etag: `${calls.length}`, properties: null };
    identity = { thumbprints, isDisabled: false, version };
    return version;
  };
  const circuit = (dependency: 'balena' | 'hub') =>
    openCircuitBreaker({ dependency, table: memoryTable<CircuitRow>(), clock, log: () => {} });
  const rateLimiter: RateLimiter = {
    reserve: async () => ({ lane: '', turn: 1 }),
    due: async () => clock.now(),
    wakeAt: async () => clock.now(),
    waitFor: async () => null,
    markUsed: () => calls.push('used'),
    release: () => calls.push('released'),
    charge: () => calls.push('charged'),
    delayAll: async (ms) => void calls.push(`delayed ${ms}`),
    pausedUntil: async () => 0,
    nextFree: async () => clock.now(),
  };
  const balenaLimit: BalenaLimit = {
    reserve: async () => ({ lane: '', turn: 2 }),
    due: async () => clock.now(),
    waitFor: async () => null,
    release: () => calls.push('look-up released'),
    nextFree: async () => clock.now(),
    use() {},
    count() {},
    expectNoPause() {},
    pauseMs: async () => 0,
    pause: async () => {},
  };
  const deps: WorkerDependencies = {
    ...accepting,
    hub: {
      async get() {
        call('hub get');
        return identity;
      },
      create: write('create'),
      update: write('update'),
      async remove() {
        call('hub remove');
        identity = 'none';
        return 'removed';
      },
      async ping() {
        call('hub ping');
      },
      close() {},
    },
    balena: {
      async findDevice() {
        call('find');
        const empty = (ownerId: number) => ({ ownerId, variables: {} });
        return {
          fleet: 'my_org/one',
          scopes: new Map([
            ['', empty(1)],
            ['main', empty(2)],
          ] as const),
          foreignServices: [],
        };
      },
      seesFleet: async () => true,
      async add(_scope, _variables, name, value) {
        call(`add ${name}`);
        return { id: 9, value };
      },
      async store(_scope, _variables, name) {
        call(`store ${name}`);
      },
      async remove() {
        call('remove');
      },
      async ping() {
        call('ping');
      },
    },
    rateLimiter,
    balenaLimit,
    sight: rememberSight(clock),
    circuits: { balena: circuit('balena'), hub: circuit('hub') },
    status: openStatus({ table: memoryTable<StatusRow>(), clock }),
    ca: noCa('No device has a certificate request.'),
    mint: minter({ days: 100 }),
    retryTransient: (each) => each(),
    settings: { workLimitMs: 60_000, leaseGraceMs: 60_000, maxAttempts: 3, fleets: null, renewAt: 0.8 },
    instance: 'worker',
    random: () => 0.5,
  };
  const deadLetters: string[] = [];
  const delivery = (more: Partial<Delivery> = {}): Delivery => ({
    sequenceNumber: '9',
    enqueuedAt: clock.now(),
    deadLetter: async (reason) => void deadLetters.push(reason),
    log: () => {},
    ...more,
  });
  const message = (more: Partial<ProvisioningMessage> & Pick<ProvisioningMessage, 'uuid'>) => ({
    v: 1 as const,
    requestId: '018f0000-0000-7000-8000-000000000000',
    generation: 1,
    due: clock.now(),
    operation: 'provision' as const,
    service: 'main' as string | null,
    ...more,
  });
  return { ...system, deps, calls, fails, failsAlways, deadLetters, delivery, message };
}
