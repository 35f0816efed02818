import { countCertificates } from '../../../src/certificates/expiry.js';
import { renewalTime } from '../../../src/certificates/renewal.js';
import type { DeviceRecord, Observed } from '../../../src/device/record.js';
import { expiryOf, type Summary } from '../../../src/device/summary.js';
import { renew } from '../../../src/fleet/renew.js';
import { day, fleetDependencies, longAgo, now, provisionedRecord, uuidOf } from '../../support/fleetTools.js';

const options = { renewAt: 0.8, operationsPerMinute: 100 };
const thumbprint = 'A'.repeat(64);

/** The record of a device with a certificate of 100 days, and this number of days left. */
function withDaysLeft(
  index: number,
  left: number,
  more: Partial<DeviceRecord> = {},
  observed: Partial<Observed> = {},
) {
  const notAfter = now + left * day;
  const certificate = { thumbprint, notBefore: notAfter - 100 * day, notAfter };
  return provisionedRecord(uuidOf(index), certificate as never, observed, more);
}

test('a certificate past its time is looked at by a worker, and one that has time is not', async () => {
  const { deps, put, requested } = fleetDependencies();
  await put(withDaysLeft(1, 5));
  await put(withDaysLeft(2, 50));
  expect(await renew(deps, options)).toMatchObject({ due: 1, checked: 1, left: 0 });
  expect(await requested()).toEqual([`${uuidOf(1)} check`]);
});

test('what expires first comes first, each at a time of its own, in a part of the pace', async () => {
  const { deps, put, record } = fleetDependencies();
  for (const generation of [1, 2, 3, 4]) await put(withDaysLeft(generation, 9 - generation));
  await renew(deps, options);
  const dues = await Promise.all([4, 3, 2, 1].map(async (index) => (await record(uuidOf(index))).check?.due));
  // A quarter of 100 a minute.
  expect(dues).toEqual([0, 2_400, 4_800, 7_200].map((ms) => now + ms));
});

test('no more are taken up than fit into four hours of it; the rest is left to the next run', async () => {
  const { deps, put, sent, clock } = fleetDependencies();
  for (let index = 0; index < 10; index += 1) await put(withDaysLeft(index, 5));
  const slow = { ...options, operationsPerMinute: 0.1 };
  expect(await renew(deps, slow)).toMatchObject({ due: 10, checked: 6, left: 4 });
  // The next run comes after half of this work, and has room for the other half.
  clock.at += 2 * 3_600_000;
  expect(await renew(deps, slow)).toMatchObject({ due: 4, checked: 3, left: 1 });
  clock.at += 4 * 3_600_000;
  expect(await renew(deps, slow)).toMatchObject({ due: 1, checked: 1, left: 0 });
  expect(sent).toHaveLength(10);
});

test('what could not be renewed is due again at the next run, and what is under way is not asked for twice', async () => {
  const { deps, put, record, sent } = fleetDependencies();
  await put(withDaysLeft(1, 5));
  await renew(deps, options);
  expect(await renew(deps, options)).toMatchObject({ due: 0, checked: 0 });
  expect(sent).toHaveLength(1);
  await put({ ...(await record(uuidOf(1))), check: null });
  expect(await renew(deps, options)).toMatchObject({ due: 1, checked: 1 });
});

test('two runs at the same time ask for one renewal', async () => {
  const { deps, put, requested, sent } = fleetDependencies();
  await put(withDaysLeft(1, 5));
  await Promise.all([renew(deps, options), renew(deps, options)]);
  expect(await requested()).toEqual([`${uuidOf(1)} check`]);
  expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(1);
});

test('a failed request does not stop the renewal; a cancelled request does, and the certificate is counted', async () => {
  const { deps, put, requested } = fleetDependencies();
  const dead = { generation: 1, due: now, dead: { at: longAgo } };
  await put(withDaysLeft(1, 5, { job: dead }));
  await put(withDaysLeft(2, 5, { job: { ...dead, dead: { at: longAgo, cancelled: true } } }));
  expect(await renew(deps, options)).toMatchObject({ due: 2, checked: 1, failed: 1 });
  expect(await requested()).toEqual([`${uuidOf(1)} check`]);
});

test('of a renewal that failed with half a pair stored, the certificate that is left is counted, and due', async () => {
  const { deps, put, requested } = fleetDependencies();
  const half = { thumbprint: null, previous: thumbprint };
  // Long before the renewal is due.
  await put(withDaysLeft(1, 50, {}, half));
  await put(withDaysLeft(2, 5, {}, half));
  await put(withDaysLeft(3, 5, {}, { ...half, notBefore: null, notAfter: null }));
  await put(withDaysLeft(4, 5, { job: { generation: 1, due: now, dead: { at: longAgo } } }, half));
  const gone = withDaysLeft(5, 5, {}, half);
  await put({ ...gone, desired: { ...gone.desired, present: false, service: null } });
  expect(await renew(deps, options)).toMatchObject({
    due: 4,
    checked: 4,
    failed: 0,
    certificates: { expired: 0, within7Days: 2, within30Days: 0, later: 1 },
  });
  // Certificates with an unknown end come first.
  expect(await requested()).toEqual([3, 2, 4, 1].map((index) => `${uuidOf(index)} check`));
});

test('it reports the due certificates by the days that they have left', async () => {
  const { deps, put } = fleetDependencies();
  const days = [-1, 0, 0.5, 7, 8, 30, 31, 90];
  for (const [index, left] of days.entries()) await put(withDaysLeft(index, left));
  const gone = withDaysLeft(20, 1);
  await put({ ...gone, desired: { ...gone.desired, present: false, service: null } });
  await put(withDaysLeft(21, 1, {}, { thumbprint: null }));
  const counts = { expired: 2, within7Days: 2, within30Days: 2, later: 2 };
  const ofDue = { expired: 2, within7Days: 2, within30Days: 1, later: 0 };
  expect((await renew(deps, options)).certificates).toEqual(ofDue);
  const summaries: Summary[] = [];
  for await (const summary of deps.records.summaries()) summaries.push(summary);
  expect(countCertificates(summaries.map(expiryOf), now)).toEqual(counts);
});

test('certificates minted in one burst fall due over a part of their life, always at the same time, none too early or late', () => {
  const notBefore = now;
  const notAfter = now + 100 * day;
  const times = Array.from({ length: 1_000 }, (_, index) =>
    renewalTime({ uuid: uuidOf(index), notBefore, notAfter }, 0.8),
  );
  expect(Math.min(...times)).toBeGreaterThanOrEqual(now + 80 * day);
  expect(Math.max(...times)).toBeLessThanOrEqual(now + 90 * day);
  const perDay = Object.values(Object.groupBy(times, (time) => Math.floor((time - now) / day)));
  expect(perDay).toHaveLength(10);
  for (const each of perDay) expect(each?.length).toBeLessThan(150);
  expect(renewalTime({ uuid: uuidOf(7), notBefore, notAfter }, 0.8)).toBe(times[7]);
});

test('how many certificates are about to expire is told also where nothing can be asked for', async () => {
  const { deps, put, queue } = fleetDependencies();
  await put(withDaysLeft(1, 5));
  queue.fails = true;
  const told: unknown[] = [];
  const onCertificates = (counts: unknown) => told.push(counts);
  await expect(renew(deps, { ...options, onCertificates })).rejects.toMatchObject({
    code: 'queue-unavailable',
  });
  expect(told).toEqual([{ expired: 0, within7Days: 1, within30Days: 0, later: 0 }]);
});

test('what would not fit otherwise is spread over more hours, and more of the pace', async () => {
  const { deps, put, record } = fleetDependencies();
  // Four a day would be the usual; these have half a day.
  for (let index = 0; index < 10; index += 1) await put(withDaysLeft(index, 1));
  const report = await renew(deps, { ...options, operationsPerMinute: 0.04 });
  expect(report).toMatchObject({ due: 10, checked: 10, left: 0, share: { late: 0 } });
  expect(report.share.part).toBeCloseTo(10 / (0.04 * 12 * 60));
  const dues = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => (await record(uuidOf(index))).check?.due ?? 0),
  );
  expect(Math.max(...dues)).toBeLessThanOrEqual(now + day / 2);
});

test('a run that is ended leaves the rest to the next', async () => {
  const { deps, put } = fleetDependencies();
  await put(withDaysLeft(1, 5));
  expect(await renew(deps, { ...options, signal: AbortSignal.abort() })).toMatchObject({
    due: 1,
    checked: 0,
    left: 1,
  });
});

test('the due certificate of an own key is reported, and never renewed', async () => {
  const { deps, put, sent } = fleetDependencies();
  const own = {
    key: thumbprint,
    thumbprint,
    before: null,
    notBefore: 0,
    notAfter: 1,
    keyAlgorithm: 'ec-p256',
  };
  const record = withDaysLeft(1, 5);
  await put({ ...record, desired: { ...record.desired, service: null, own } });
  expect(await renew(deps, options)).toMatchObject({
    due: 0,
    checked: 0,
    ownKeys: 1,
    certificates: { within7Days: 1 },
  });
  expect(sent).toEqual([]);
});
