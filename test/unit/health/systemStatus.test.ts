import { readFileSync } from 'node:fs';
import type { HealthFacts } from '../../../src/health/facts.js';
import type { DeviceFacts } from '../../../src/health/incidents.js';
import { noTotals, type StatusRow, type Totals } from '../../../src/health/status.js';
import { type IncidentKind, incidentKinds, systemStates } from '../../../src/health/statusSchema.js';
import { statusSentence } from '../../../src/health/statusText.js';
import { systemStatus } from '../../../src/health/systemStatus.js';
import type { ErrorCode } from '../../../src/shared/errorPolicy.js';
import type { CircuitRow } from '../../../src/throttling/circuitBreaker.js';

const now = Date.parse('2027-01-15T08:10:00Z');
const minute = 60_000;
const since = now - 5 * minute;
const sinceText = '2027-01-15T08:05:00.000Z';
const closed: CircuitRow = { state: 'closed', since: 0, until: 0, failures: 0, probe: null, code: null };
const never = { answeredAt: null, failedAt: null, code: null };
const timer = (byTimerAt: number) => ({
  since: now - 60 * minute,
  startedAt: byTimerAt,
  completedAt: byTimerAt,
  byTimerAt,
  runsUntil: 0,
});

/** The row of workers that have counted these events in the last two minutes. */
function rowOf(counts: Partial<Totals>, throttled: StatusRow['throttled'] = {}): StatusRow {
  const marks = [{ at: now - 2 * minute, totals: noTotals }];
  return { at: now, totals: { ...noTotals, ...counts }, balena: never, hub: never, marks, throttled };
}

const good: HealthFacts = {
  at: now,
  wrongSettings: [],
  queueError: null,
  recordsError: null,
  row: rowOf({}),
  worker: { isDisabled: false, waiting: 0, messages: 0, silentSince: null },
  timers: [{ timer: 'redrive', row: timer(now - minute) }],
  circuits: { balena: closed, hub: closed },
  hubPausedUntil: now,
  operationsPerMinute: 200,
  caLife: null,
};
const quiet: DeviceFacts = {
  waiting: 0,
  lastDue: 0,
  failed: 0,
  checksFailed: 0,
  certificates: { expired: 0, late: 0 },
};

/** A change of the facts that is an incident. */
interface Situation {
  facts?: Partial<HealthFacts>;
  devices?: Partial<DeviceFacts>;
}

const open = (code: ErrorCode): CircuitRow => ({ ...closed, state: 'open', since, code });
const present = { since, at: now - 2_000 };

const situations: Record<IncidentKind, Situation> = {
  'settings-wrong': { facts: { wrongSettings: ['BALENA_API_KEY is missing'] } },
  'records-unavailable': { facts: { recordsError: 'The table cannot be reached.' } },
  'queue-unavailable': { facts: { queueError: 'The queue cannot be reached.' } },
  'worker-off': { facts: { worker: { ...good.worker, isDisabled: true } } },
  'worker-silent': { facts: { worker: { ...good.worker, waiting: 3, silentSince: since } } },
  'balena-stopped': { facts: { circuits: { balena: open('balena-unauthorized'), hub: closed } } },
  'hub-stopped': { facts: { circuits: { balena: closed, hub: open('hub-quota-exceeded') } } },
  'hub-throttled': {
    facts: { row: rowOf({ operations: 170, hubRefusals: 150, provisioned: 20 }, { hub: present }) },
  },
  'balena-throttled': { facts: { row: rowOf({ provisioned: 20 }, { balena: present }) } },
  'queue-throttled': { facts: { row: rowOf({ provisioned: 20 }, { queue: present }) } },
  'timers-silent': { facts: { timers: [{ timer: 'redrive', row: timer(now - 20 * minute) }] } },
  'ca-failing': {
    facts: { row: { ...rowOf({}), ca: { ...never, failedAt: now - minute, code: 'ca-unauthorized' } } },
  },
  'ca-near-expiry': { facts: { caLife: { notAfter: now + minute, shortensAt: now } } },
  'certificates-expired': { devices: { certificates: { expired: 2, late: 0 } } },
  'certificates-late': { devices: { certificates: { expired: 0, late: 1 } } },
  'requests-failed': { devices: { failed: 25 } },
  'checks-failed': { devices: { checksFailed: 4 } },
};

/** The status in one or several situations at once. Later situations win over earlier ones in the same fact. */
function statusIn(kinds: readonly IncidentKind[], devices: Partial<DeviceFacts> = {}) {
  const all = kinds.map((kind) => situations[kind]);
  const facts = Object.assign({}, good, ...all.map((each) => each.facts)) as HealthFacts;
  const counted = Object.assign({}, quiet, devices, ...all.map((each) => each.devices)) as DeviceFacts;
  return systemStatus(facts, counted);
}

test.each<[string, Partial<HealthFacts>]>([
  [
    'a CA that answers again',
    { row: { ...rowOf({}), ca: { answeredAt: now, failedAt: now - 1, code: 'ca-unavailable' } } },
  ],
  [
    'a failure of long ago',
    { row: { ...rowOf({}), ca: { ...never, failedAt: now - 121 * minute, code: 'ca-unavailable' } } },
  ],
  ['a CA with a long life', { caLife: { notAfter: now + 2 * minute, shortensAt: now + minute } }],
])('no incident: %s', (_, facts) => {
  expect(systemStatus({ ...good, ...facts }, quiet).incidents).toEqual([]);
});

test('a system without work and without incidents is healthy', () => {
  expect(statusIn([])).toEqual({
    at: new Date(now).toISOString(),
    state: 'healthy',
    sentence: 'Healthy: No device waits.',
    incidents: [],
    backlog: { waiting: 0, finishedPerMinute: null, doneAt: null },
  });
});

test.each(incidentKinds)('%s is an incident with a next step and a section of the runbook', (kind) => {
  const { state, incidents, sentence } = statusIn([kind]);
  expect(incidents.map((each) => each.kind)).toEqual([kind]);
  const [found] = incidents;
  expect(state).toBe(found?.level);
  expect(found?.what).toMatch(/^([A-Z]|balena|\d).*\.$/);
  expect(found?.todo).toMatch(/[.?]$/);
  expect(sentence).toContain(found?.what);
  expect(sentence).toContain(`docs/runbook.md#${found?.runbook}`);
});

test('the runbook has every section that an incident names', () => {
  const headings = readFileSync('docs/runbook.md', 'utf8').match(/^##+ .*$/gm) ?? [];
  const anchors = headings.map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const kind of incidentKinds) expect(anchors).toContain(statusIn([kind]).incidents[0]?.runbook);
});

const pairs = incidentKinds.flatMap((one, index) =>
  incidentKinds.slice(index + 1).map((other) => [one, other] as const),
);

test('of each two situations the worse one is the state, and no end is told while all work is stopped', () => {
  for (const [one, other] of pairs) {
    const { state, incidents, sentence, backlog } = statusIn([one, other], { waiting: 40 });
    const levels = incidents.map(({ level }) => systemStates.indexOf(level));
    expect(levels).toEqual([...levels].sort((a, b) => a - b));
    expect(state).toBe(incidents[0]?.level);
    // Two situations that change the same fact leave the later one.
    expect(incidents.map(({ kind }) => kind)).toContain(other);
    if (state !== 'stopped') continue;
    expect(backlog).toEqual({ waiting: 40, finishedPerMinute: null, doneAt: null });
    expect(sentence).toContain('40 devices wait, and nothing is finished until the cause is gone.');
    expect(sentence).not.toMatch(/The end is about/);
  }
});

test('a revoked key stops the work: who, since when, and what to do', () => {
  const { state, sentence, incidents } = statusIn(['balena-stopped'], { waiting: 40 });
  expect(state).toBe('stopped');
  expect(incidents[0]).toMatchObject({ since: sinceText, runbook: 'credentials-refused' });
  expect(sentence).toMatch(
    /^Stopped: balena rejects our API key\. Since 2027-01-15T08:05:00\.000Z\. 40 devices wait, and nothing is finished/,
  );
  expect(sentence).toContain('To do: Check BALENA_API_KEY and its rights');
});

test('a hub that refuses is measured against the allowed rate, and the end follows the devices that were finished', () => {
  const { state, sentence, backlog } = statusIn(['hub-throttled'], { waiting: 40 });
  expect(state).toBe('throttled');
  expect(sentence).toMatch(
    /^Throttled: IoT Hub throttles: it lets 10 operations a minute pass, and refuses 75 a minute\. The settings allow 200 a minute\. Since /,
  );
  expect(sentence).toContain('Does IOTHUB_UNITS match the hub?');
  // 20 devices in two minutes.
  expect(backlog).toEqual({
    waiting: 40,
    finishedPerMinute: 10,
    doneAt: new Date(now + 4 * minute).toISOString(),
  });
});

test('a hub that throttles until requests time out is named as throttling, and not as a hub that is down', () => {
  const circuits = { balena: closed, hub: open('timed-out') };
  const throttles = { ...good, ...situations['hub-throttled'].facts, circuits };
  const { state, incidents } = systemStatus(throttles, { ...quiet, waiting: 40 });
  expect(state).toBe('stopped');
  expect(incidents[0]).toMatchObject({
    kind: 'hub-stopped',
    what: 'IoT Hub throttles: requests wait inside the hub until they time out.',
    todo: 'Does IOTHUB_UNITS match the hub? Does another program use the hub?',
    runbook: 'the-hub-throttles',
  });
  expect(incidents[1]?.what).toMatch(/^IoT Hub throttles: it lets 10 operations a minute pass/);
  const [down] = systemStatus({ ...good, circuits }, quiet).incidents;
  expect(down).toMatchObject({
    what: 'IoT Hub does not answer, or answers with errors (timed-out).',
    runbook: 'queue-age',
  });
});

test('failed requests: the line names the command that lists the causes', () => {
  expect(statusIn(['requests-failed']).incidents[0]?.todo).toBe(
    'Look at the causes (on the page, or with `provisioner dead-letters list`), correct them, then replay or discard the requests.',
  );
});

test.each([
  ['it has asked for a long wait', { hubPausedUntil: now + 5 * minute }, true],
  ['its answers take seconds, and few pass', { row: rowOf({ operations: 20, hubMs: 100_000 }) }, true],
  [
    'its answers take seconds, and nearly all pass',
    { row: rowOf({ operations: 380, hubMs: 1_900_000 }) },
    false,
  ],
  ['it refused two operations', { row: rowOf({ operations: 9, hubRefusals: 2 }, { hub: present }) }, false],
  ['it refused 3 of 100', { row: rowOf({ operations: 100, hubRefusals: 3 }, { hub: present }) }, false],
  [
    'it refused much, and nothing for a minute',
    { row: rowOf({ operations: 60, hubRefusals: 30 }, { hub: { since, at: now - 61_000 } }) },
    false,
  ],
] as const)('the hub throttles or not: %s', (_, facts, throttles) => {
  expect(systemStatus({ ...good, ...facts }, quiet).state).toBe(throttles ? 'throttled' : 'healthy');
});

describe('a backlog', () => {
  const catchingUp = (counts: Partial<Totals>, devices: Partial<DeviceFacts>, at = now) =>
    systemStatus({ ...good, at, row: rowOf(counts) }, { ...quiet, ...devices });

  test('ends at the measured rate', () => {
    const { state, sentence } = catchingUp({ provisioned: 90, deprovisioned: 6, failed: 4 }, { waiting: 83 });
    expect(state).toBe('catching-up');
    expect(sentence).toBe(
      'Catching up: 83 devices wait. The end is about 2027-01-15T08:11:40.000Z, at the measured rate of 50 devices a minute.',
    );
  });

  test('does not end before the last device is due', () => {
    const lastDue = now + 60 * minute;
    const { backlog } = catchingUp({ provisioned: 200 }, { waiting: 1, lastDue });
    expect(backlog.doneAt).toBe(new Date(lastDue).toISOString());
  });

  test.each([
    ['few devices were finished', { provisioned: 2 }, now],
    ['the workers have been silent for minutes', { provisioned: 200 }, now + 3 * minute],
  ])('has no known end if %s', (_, counts, at) => {
    const { backlog, sentence } = catchingUp(counts, { waiting: 83 }, at);
    expect(backlog).toEqual({ waiting: 83, finishedPerMinute: null, doneAt: null });
    expect(sentence).toBe(
      'Catching up: 83 devices wait. Too few devices were finished in the last minutes to know the end.',
    );
  });

  test('is unknown if nobody has counted the devices', () => {
    expect(systemStatus(good, null)).toMatchObject({
      state: 'healthy',
      sentence: 'Healthy: All parts of the system answer.',
      backlog: { waiting: null },
    });
  });
});

test('a reader sees the times in the own notation', () => {
  const status = statusIn(['balena-stopped', 'requests-failed']);
  expect(statusSentence(status, () => "nine o'clock")).toMatch(
    /Since nine o'clock\..* 1 more: 25 requests have failed for good\.$/,
  );
});
