import { noTotals } from '../../../src/health/status.js';
import { groupFailures } from '../../../src/ops/failures/group.js';
import { readOverview } from '../../../src/ops/overview/read.js';
import { readSystemHealth } from '../../../src/ops/overview/readStatus.js';
import { historyFromSamples, takeSample } from '../../../src/ops/overview/samples.js';
import { percentile } from '../../../src/ops/shared/counting.js';
import { opsDependencies, start } from '../../support/opsTools.js';
import { useTables } from '../../support/useTables.js';

const tables = await useTables();
const minute = 60_000;
const totals = (operations: number, provisioned = 0, failed = 0) => ({
  ...noTotals,
  operations,
  provisioned,
  failed,
});

test('the state of the system and the groups of failures are read from lists, and agree with the overview', async () => {
  const { deps, put } = opsDependencies(tables);
  const day = 86_400_000;
  const error = { code: 'timed-out', step: 'store', message: 'Slow.', at: start } as const;
  const done = await put(1, { job: null, error: null });
  const certified = (notAfter: number) => ({
    ...{ job: null, error: null },
    observed: { ...done.observed, thumbprint: 'A', notBefore: start - day, notAfter },
  });
  await put(2);
  await put(3, { error, job: { generation: 7, due: start + minute } });
  await put(4, { error, job: null });
  await put(5, { error: null, job: null, check: { generation: 7, due: start } });
  await put(6, certified(start));
  await put(7, certified(start + 3 * day));
  await put(8, certified(start + 4 * day));
  const { deviceSnapshots: _, ...listsOnly } = deps;
  const { status, failures, certificates } = await readOverview(deps);
  const { status: listed } = await readSystemHealth(listsOnly);
  expect(listed).toEqual(status);
  expect(listed.incidents.map(({ kind, what }) => [kind, what])).toEqual([
    ['certificates-expired', '1 certificate has expired.'],
    ['certificates-late', '1 certificate has not been renewed in time.'],
    ['requests-failed', '1 request has failed for good.'],
    ['checks-failed', 'The last check of 1 device failed.'],
  ]);
  expect(failures.map(({ failed, retrying }) => [failed, retrying])).toEqual([
    [1, 0],
    [0, 1],
  ]);
  expect(certificates).toEqual({ expired: 1, within7Days: 2, within30Days: 0, later: 0 });
  const { groups } = await groupFailures(listsOnly);
  const counted = groups.map((group) => [group.code, group.failed, group.retrying, group.checksFailed]);
  expect(counted.sort()).toEqual([
    ['service-not-found', 1, 0, 0],
    ['timed-out', 0, 1, 1],
  ]);
});

test('while all work is stopped, a device that began to wait a moment ago is counted', async () => {
  const { deps, put } = opsDependencies(tables);
  const stopped = { ...deps, isWorkerDisabled: true };
  const sentence = async () => (await readSystemHealth(stopped)).status.sentence;
  expect(await sentence()).toMatch(/^Stopped: .*No device waits\./);
  await put(2, { error: null, job: { generation: 7, due: start } });
  expect(await sentence()).toMatch(/^Stopped: .*1 device waits, and nothing is finished/);
});

test('an empty system is told as one', async () => {
  const { deps } = opsDependencies(tables);
  expect(await readOverview(deps)).toMatchObject({
    queue: { active: 0, scheduled: 0, deadLettered: 0, source: 'records' },
    states: { queued: 0, working: 0, retrying: 0, provisioned: 0, deprovisioned: 0, failed: 0 },
    devices: 0,
    failures: [],
    rateLimiter: { limitPerMinute: 100, lastMinute: null, backlogDoneAt: null },
    timing: { p50Seconds: null, p95Seconds: null, count: 0 },
    history: [],
  });
});

test('the depths come from the queue; without an answer of the queue they come from the records, with the reason', async () => {
  const { deps, depths, put } = opsDependencies(tables);
  await put(1);
  await put(2, { job: { generation: 7, due: start + minute } });
  await put(3, { job: null, check: { generation: 7, due: start } });
  await put(4, { job: { generation: 7, due: start, dead: { at: start, cancelled: true } } });
  const counted = { active: 1, scheduled: 1, deadLettered: 1, source: 'records' };
  expect((await readOverview(deps)).queue).toMatchObject({
    ...counted,
    note: expect.stringContaining('Manage'),
  });
  depths.value = new Error('no');
  expect((await readOverview(deps)).queue).toMatchObject({
    ...counted,
    note: expect.stringContaining('did not answer'),
  });
  depths.value = { active: 5, scheduled: 6, deadLettered: 7 };
  expect((await readOverview(deps)).queue).toEqual({ ...depths.value, source: 'queue', note: null });
});

test('what fails is counted by code and step: for good, and what is tried again; not what was discarded', async () => {
  const { deps, put } = opsDependencies(tables);
  const error = { code: 'timed-out', step: 'store', message: 'Slow.', at: start } as const;
  await Promise.all([put(1), put(2)]);
  await put(3, { error, job: { generation: 7, due: start + minute } });
  const discarded = { at: start, by: 'Ada', reason: 'scrapped' };
  await put(4, { job: { generation: 7, due: start, dead: { at: start, discarded } } });
  expect((await readOverview(deps)).failures).toEqual([
    { code: 'service-not-found', step: 'validate', failed: 2, retrying: 0 },
    { code: 'timed-out', step: 'store', failed: 0, retrying: 1 },
  ]);
});

test('the end of the backlog follows the measured rate, and not the limit in the settings', async () => {
  const { deps, put, status, clock } = opsDependencies(tables);
  for (let index = 0; index < 40; index += 1)
    await put(index, { error: null, job: { generation: 7, due: start } });
  const waits = async () => {
    const { status: shown, rateLimiter } = await readOverview(deps);
    return [shown.state, shown.backlog, rateLimiter.backlogDoneAt];
  };
  expect(await waits()).toEqual([
    'catching-up',
    { waiting: 40, finishedPerMinute: null, doneAt: null },
    null,
  ]);
  clock.at += minute;
  const side = { answeredAt: null, failedAt: null, code: null };
  const marks = [{ at: start, totals: totals(0) }];
  status.row = {
    at: clock.at,
    totals: totals(20, 20),
    marks,
    ...{ balena: side, hub: side, throttled: {} },
  };
  const doneAt = new Date(clock.at + 2 * minute).toISOString();
  expect(await waits()).toEqual(['catching-up', { waiting: 40, finishedPerMinute: 20, doneAt }, doneAt]);
});

test('the time to provisioned is of those of the last hour; certificates are counted by the days they have left', async () => {
  const { deps, put } = opsDependencies(tables);
  const day = 24 * 60 * minute;
  const done = (seconds: number, at: number, daysLeft: number) => ({
    job: null,
    error: null,
    scopes: ['sensor'],
    completedAt: at,
    desired: { present: true, service: 'sensor', requestId: 'r', requestedAt: at - seconds * 1_000 },
    observed: {
      thumbprint: 'A'.repeat(64),
      previous: null,
      service: 'sensor',
      hub: ['A'.repeat(64), 'A'.repeat(64)] as [string, string],
      fleet: 'acme/a',
      notBefore: start - day,
      notAfter: start + daysLeft * day,
      keyAlgorithm: 'ec-p256',
      verifiedAt: start,
    },
  });
  await put(1, done(1, start - minute, 365));
  await put(2, done(3, start - minute, 20));
  await put(3, done(9, start - minute, 5));
  await put(4, done(1_000, start - 61 * minute, -1));
  const { timing, certificates, states } = await readOverview(deps);
  expect(timing).toEqual({ p50Seconds: 3, p95Seconds: 9, count: 3 });
  expect(certificates).toEqual({ expired: 1, within7Days: 1, within30Days: 1, later: 1 });
  expect(states.provisioned).toBe(4);
});

test('each minute is sampled once, and an hour is kept', async () => {
  const { deps, clock, status, depths } = opsDependencies(tables);
  depths.value = { active: 1, scheduled: 2, deadLettered: 3 };
  const sides = {
    balena: { answeredAt: null, failedAt: null, code: null },
    hub: { answeredAt: null, failedAt: null, code: null },
    marks: [],
    throttled: {},
  };
  for (let at = 0; at < 75; at += 1) {
    clock.at = start + at * minute + 1_234;
    status.row = { at: clock.at, totals: totals(at * 90, at * 80, at), ...sides };
    await takeSample(deps);
    await takeSample(deps);
  }
  expect(await deps.samples.since(0)).toHaveLength(71);
  const { history, rateLimiter } = await readOverview(deps);
  expect(history).toHaveLength(60);
  expect(history.at(-1)).toEqual({
    at: new Date(Math.floor(clock.at / minute) * minute).toISOString(),
    active: 1,
    scheduled: 2,
    deadLettered: 3,
    operations: 90,
    provisioned: 80,
    failed: 1,
  });
  expect(rateLimiter.lastMinute).toBe(90);
});

test('where samples are missing, what was done is spread over the minutes; a count that begins anew is no negative one', () => {
  const depths = { active: 0, scheduled: 0, deadLettered: 0 };
  const history = historyFromSamples([
    { at: start, depths, totals: totals(0) },
    { at: start + 3 * minute, depths, totals: totals(300) },
    { at: start + 4 * minute, depths, totals: totals(10) },
  ]);
  expect(history.map(({ operations }) => operations)).toEqual([100, 0]);
});

test('a percentile is the value at its rank', () => {
  expect([percentile([], 0.5), percentile([4], 0.95), percentile([1, 2, 3, 4], 0.5)]).toEqual([null, 4, 2]);
});
