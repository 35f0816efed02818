import { type HealthDependencies, health } from '../../../src/health/health.js';
import type { StatusRow } from '../../../src/health/status.js';
import type { Queue } from '../../../src/queue/queue.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { CircuitBreaker, CircuitRow } from '../../../src/throttling/circuitBreaker.js';

const now = 1_800_000_000_000;
const unreachable = (code: 'queue-unavailable' | 'records-unavailable') => async () => {
  throw new ProvisioningError(code, `${code}: it cannot be reached.`);
};
const closed: CircuitRow = { state: 'closed', since: 0, until: 0, failures: 0, probe: null, code: null };
const never = { answeredAt: null, failedAt: null, code: null };
const circuit = (read: () => Promise<CircuitRow>) => ({ read }) as CircuitBreaker;

interface Situation {
  ping?: () => Promise<void>;
  readStatus?: () => Promise<StatusRow | null>;
  balena?: () => Promise<CircuitRow>;
  hub?: () => Promise<CircuitRow>;
}

async function linesIn({ ping, readStatus, balena, hub }: Situation) {
  const deps: HealthDependencies = {
    queue: { ping: ping ?? (async () => {}) } as Queue,
    status: { noteCall() {}, count() {}, report: async () => {}, read: readStatus ?? (async () => null) },
    circuits: {
      balena: circuit(balena ?? (async () => closed)),
      hub: circuit(hub ?? (async () => closed)),
    },
    clock: { now: () => now, sleep: async () => {} },
  };
  const lines = await health(deps);
  return Object.fromEntries(lines.map(({ name, ok, detail }) => [name, [ok, detail]]));
}

test('health has one line for each dependency, and is healthy before any work', async () => {
  expect(await linesIn({})).toEqual({
    configuration: [true, 'complete'],
    queue: [true, 'answers'],
    records: [true, 'answers'],
    balena: [true, 'no worker has called balena yet'],
    hub: [true, 'no worker has called hub yet'],
  });
});

test('balena and the hub are as the workers saw them last', async () => {
  const row = {
    at: now,
    totals: { operations: 0, provisioned: 0, failed: 0 },
    balena: { ...never, answeredAt: now - 12_000 },
    hub: { ...never, answeredAt: now },
  };
  expect(await linesIn({ readStatus: async () => row })).toMatchObject({
    balena: [true, 'answered a worker 12 s ago'],
    hub: [true, 'answered a worker 0 s ago'],
  });
});

test('an unreachable queue is unhealthy, and the other dependencies stay healthy', async () => {
  expect(await linesIn({ ping: unreachable('queue-unavailable') })).toMatchObject({
    queue: [false, 'queue-unavailable: it cannot be reached.'],
    records: [true, 'answers'],
    hub: [true, expect.any(String)],
  });
});

test('without the records, nothing is known of the other sides', async () => {
  const lost = unreachable('records-unavailable');
  expect(await linesIn({ readStatus: lost, balena: lost, hub: lost })).toMatchObject({
    queue: [true, 'answers'],
    records: [false, 'records-unavailable: it cannot be reached.'],
    balena: [false, 'unknown: the records cannot be reached'],
    hub: [false, 'unknown: the records cannot be reached'],
  });
});

test('an open circuit says why, and since when', async () => {
  const since = Date.parse('2027-01-15T08:00:00Z');
  const open: CircuitRow = { ...closed, state: 'open', since, code: 'hub-unauthorized' };
  expect(await linesIn({ hub: async () => open })).toMatchObject({
    balena: [true, expect.any(String)],
    hub: [false, expect.stringMatching(/^hub-unauthorized since 2027-01-15T08:00:00\.000Z/)],
  });
});
