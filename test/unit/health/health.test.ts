import { type HealthDependencies, readHealthFacts } from '../../../src/health/facts.js';
import { healthLines } from '../../../src/health/health.js';
import { noTotals, type StatusRow } from '../../../src/health/status.js';
import type { Queue } from '../../../src/queue/queue.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { CircuitBreaker, CircuitRow } from '../../../src/throttling/circuitBreaker.js';
import { timerRunsIn } from '../../support/timerRunsIn.js';

const now = 1_800_000_000_000;
const unreachable = (code: 'queue-unavailable' | 'records-unavailable') => async () => {
  throw new ProvisioningError(code, `${code}: it cannot be reached.`);
};
const closed: CircuitRow = { state: 'closed', since: 0, until: 0, failures: 0, probe: null, code: null };
const row = (more: Partial<StatusRow>): StatusRow => ({
  at: now,
  totals: noTotals,
  balena: never,
  hub: never,
  marks: [],
  throttled: {},
  ...more,
});
const never = { answeredAt: null, failedAt: null, code: null };
const circuit = (read: () => Promise<CircuitRow>) => ({ read }) as CircuitBreaker;

interface Situation {
  ping?: () => Promise<void>;
  readStatus?: () => Promise<StatusRow | null>;
  balena?: () => Promise<CircuitRow>;
  hub?: () => Promise<CircuitRow>;
  /** Waiting messages now; null if the numbers may not be read. */
  active?: number | null;
  /** Waiting messages at the sample of this many seconds ago. */
  sampled?: [secondsAgo: number, active: number];
  isWorkerDisabled?: boolean;
  since?: HealthDependencies['samples']['since'];
}

async function linesIn({
  ping,
  readStatus,
  balena,
  hub,
  active = 0,
  sampled: [secondsAgo, before] = [40, 0],
  isWorkerDisabled = false,
  since,
}: Situation) {
  const deps: HealthDependencies = {
    queue: { ping: ping ?? (async () => {}) } as Queue,
    status: {
      noteCall() {},
      noteQueueThrottled() {},
      count() {},
      report: async () => {},
      read: readStatus ?? (async () => null),
    },
    circuits: {
      balena: circuit(balena ?? (async () => closed)),
      hub: circuit(hub ?? (async () => closed)),
    },
    clock: { now: () => now, sleep: async () => {} },
    timerRuns: timerRunsIn({ now: () => now, sleep: async () => {} }),
    management: {
      depths: async () => (active === null ? null : { active, scheduled: 0, deadLettered: 0 }),
      properties: async () => null,
    },
    samples: { since: since ?? (async () => [{ at: now - secondsAgo * 1_000, depths: { active: before } }]) },
    isWorkerDisabled,
    operationsPerMinute: 100,
    caLife: null,
    rateLimiter: { pausedUntil: async () => now } as HealthDependencies['rateLimiter'],
  };
  const lines = healthLines(await readHealthFacts(deps));
  return Object.fromEntries(lines.map(({ name, ok, detail }) => [name, [ok, detail]]));
}

test('health has one line for each dependency, and is healthy before any work', async () => {
  expect(await linesIn({})).toEqual({
    configuration: [true, 'complete'],
    queue: [true, 'answers'],
    records: [true, 'answers'],
    worker: [true, 'takes messages; waiting: 0'],
    timers: [
      true,
      'redrive has not run yet; sample has not run yet; renew has not run yet; sweep has not run yet',
    ],
    balena: [true, 'no worker has called balena yet'],
    hub: [true, 'no worker has called hub yet'],
  });
});

test('while the records cannot be reached, the list of samples is not read: the answer would come half a minute later', async () => {
  let lists = 0;
  const since = async () => {
    lists += 1;
    return [];
  };
  const seen = await linesIn({ readStatus: unreachable('records-unavailable'), since });
  expect(seen.records?.[0]).toBe(false);
  expect(lists).toBe(0);
  await linesIn({ since });
  expect(lists).toBe(1);
});

test('the line of the queue names a limit that a worker or a request has met', async () => {
  const seen = (secondsAgo: number) => {
    const at = now - secondsAgo * 1_000;
    return row({ throttled: { queue: { since: at, at } } });
  };
  const queueAfter = async (secondsAgo: number) =>
    (await linesIn({ readStatus: async () => seen(secondsAgo) })).queue;
  expect(await queueAfter(12)).toEqual([
    false,
    expect.stringContaining('limited our requests 12 s ago (ServerBusy)'),
  ]);
  expect(await queueAfter(300)).toEqual([true, expect.stringContaining('limited our requests 300 s ago')]);
  expect(await queueAfter(700)).toEqual([true, 'answers']);
});

test('balena and the hub are as the workers saw them last', async () => {
  const balena = { ...never, answeredAt: now - 12_000 };
  const hub = { ...never, answeredAt: now };
  expect(await linesIn({ readStatus: async () => row({ balena, hub }) })).toMatchObject({
    balena: [true, 'answered a worker 12 s ago'],
    hub: [true, 'answered a worker 0 s ago'],
  });
});

const reportedAgo = (seconds: number) => async () => row({ at: now - seconds * 1_000 });

describe('the worker', () => {
  test('that is switched off is unhealthy at once', async () => {
    expect((await linesIn({ isWorkerDisabled: true, active: 3 })).worker).toEqual([
      false,
      expect.stringMatching(
        /^switched off by the setting AzureWebJobs\.worker\.Disabled; waiting messages: 3\./,
      ),
    ]);
  });

  test('is unhealthy within a minute, if messages wait and none is taken', async () => {
    const readStatus = reportedAgo(300);
    const { worker } = await linesIn({ active: 7, sampled: [45, 5], readStatus });
    expect(worker).toEqual([
      false,
      expect.stringMatching(
        /^messages wait, and no worker has taken one for 300 s: .*; waiting messages: 7$/,
      ),
    ]);
    expect((await linesIn({ active: null, sampled: [45, 5], readStatus })).worker?.[0]).toBe(false);
    expect((await linesIn({ active: 7, sampled: [45, 5] })).worker?.[1]).toMatch(
      /no worker has ever taken one/,
    );
  });

  test.each([
    ['no message waits now', { active: 0, sampled: [45, 5], readStatus: reportedAgo(300) }],
    ['no message waited before', { active: 1, sampled: [45, 0], readStatus: reportedAgo(300) }],
    ['the messages are new', { active: 5, sampled: [5, 5], readStatus: reportedAgo(300) }],
    ['a worker has reported since', { active: 5, sampled: [45, 5], readStatus: reportedAgo(20) }],
  ] as [string, Situation][])('is healthy if %s', async (_, situation) => {
    expect((await linesIn(situation)).worker?.[0]).toBe(true);
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

test('a hub that refuses much of the work is unhealthy, with the measured rate and the allowed rate', async () => {
  const totals = { ...noTotals, operations: 30, hubRefusals: 20 };
  const marks = [{ at: now - 60_000, totals: noTotals }];
  const throttled = { hub: { since: now - 50_000, at: now - 2_000 } };
  const readStatus = async () => row({ totals, marks, throttled });
  expect((await linesIn({ readStatus })).hub).toEqual([
    false,
    'throttles: lets 10 operations a minute pass, and refuses 20 a minute (429); the settings allow 100',
  ]);
});

test('a balena that limits our requests is unhealthy for a minute', async () => {
  const after = async (secondsAgo: number) => {
    const at = now - secondsAgo * 1_000;
    const readStatus = async () => row({ throttled: { balena: { since: at, at } } });
    return (await linesIn({ readStatus })).balena;
  };
  expect(await after(5)).toEqual([false, 'limited our requests 5 s ago (429)']);
  expect(await after(61)).toEqual([true, expect.any(String)]);
});

test('an open circuit says why, and since when', async () => {
  const since = Date.parse('2027-01-15T08:00:00Z');
  const open: CircuitRow = { ...closed, state: 'open', since, code: 'hub-unauthorized' };
  expect(await linesIn({ hub: async () => open })).toMatchObject({
    balena: [true, expect.any(String)],
    hub: [false, expect.stringMatching(/^hub-unauthorized since 2027-01-15T08:00:00\.000Z/)],
  });
});
