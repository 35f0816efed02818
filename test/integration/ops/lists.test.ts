import { listDeadLetters } from '../../../src/ops/deadLetters/list.js';
import { readHistory } from '../../../src/ops/devices/history.js';
import { listRecords } from '../../../src/ops/devices/list.js';
import { opsDependencies, requestId, start, uuidOf } from '../../support/opsTools.js';
import { useTables } from '../../support/useTables.js';

const tables = await useTables();
const bodyOf = (index: number, more: object = {}) => ({
  v: 1,
  uuid: uuidOf(index),
  requestId,
  generation: 7,
  due: start,
  operation: 'provision',
  service: 'sensor',
  ...more,
});
const deadWith = (more: object) => ({
  job: { generation: 7, due: start, dead: { at: start, ...more } },
});

test('a failed request and its dead letter are one line, and each is listed without the other', async () => {
  const { deps, put, deadLetter } = opsDependencies(tables);
  await Promise.all([put(1), put(2), put(3, { job: { generation: 8, due: start } })]);
  deadLetter(bodyOf(1), '11');
  deadLetter(bodyOf(1), '12');
  deadLetter(bodyOf(2, { generation: 6 }), '13');
  deadLetter(bodyOf(3, { generation: 8 }), '14', { reason: 'MaxDeliveryCountExceeded' });
  deadLetter(bodyOf(4), '15', { reason: 'TTLExpiredException' });
  deadLetter('not JSON', '16', { reason: 'bad-message', description: 'The message is not a JSON object.' });
  const { deadLetters, total, byStatus } = await listDeadLetters(deps, { order: 'oldest' });
  expect(
    deadLetters.map(({ status, uuid, sequenceNumber, code }) => [status, uuid, sequenceNumber, code]),
  ).toEqual(
    expect.arrayContaining([
      ['failed', uuidOf(1), '11', 'service-not-found'],
      ['failed', uuidOf(2), null, 'service-not-found'],
      ['superseded', uuidOf(2), '13', 'unexpected'],
      ['pending', uuidOf(3), '14', 'MaxDeliveryCountExceeded'],
      ['no-record', uuidOf(4), '15', 'TTLExpiredException'],
      ['unreadable', null, '16', 'bad-message'],
    ]),
  );
  // Two dead letters of one request are one line, because every action concerns both.
  expect(byStatus).toEqual({ failed: 2, superseded: 1, pending: 1, 'no-record': 1, unreadable: 1 });
  expect(total).toBe(6);
});

test('a line says what failed, how often, since when, and how often it was replayed', async () => {
  const { deps, put } = opsDependencies(tables);
  await put(1, { replays: 2, attempts: 4, firstSeenAt: start - 5_000, ...deadWith({}) });
  expect((await listDeadLetters(deps, {})).deadLetters).toEqual([
    {
      status: 'failed',
      uuid: uuidOf(1),
      requestId,
      sequenceNumber: null,
      operation: 'provision',
      service: 'sensor',
      fleet: null,
      code: 'service-not-found',
      step: 'validate',
      message: 'No such service.',
      attempts: 4,
      replays: 2,
      superseded: false,
      firstSeenAt: new Date(start - 5_000).toISOString(),
      failedAt: new Date(start).toISOString(),
    },
  ]);
});

test.each([
  ['quarantined', { replays: 3 }],
  ['cancelled', deadWith({ cancelled: true })],
  ['discarded', deadWith({ discarded: { at: start, by: 'Ada', reason: 'scrapped' } })],
] as const)('%s is a status of its own', async (status, more) => {
  const { deps, put } = opsDependencies(tables);
  await put(1, more);
  expect((await listDeadLetters(deps, { status })).deadLetters).toMatchObject([{ status }]);
  expect((await listDeadLetters(deps, {})).total).toBe(status === 'discarded' ? 0 : 1);
});

test('filters narrow it down, and must all hold', async () => {
  const { deps, put, clock } = opsDependencies(tables);
  await Promise.all(Array.from({ length: 10 }, (_, index) => put(index)));
  const error = { code: 'hub-rejected', step: 'register', message: 'No.', at: start } as const;
  const observed = (fleet: string) => ({ ...opsRecordObserved, fleet });
  await put(3, { error, observed: observed('acme/a') });
  await put(4, { error, observed: observed('acme/b') });
  clock.at = start + 60_000;
  const found = async (query: object) =>
    (await listDeadLetters(deps, query)).deadLetters.map(({ uuid }) => Number(`0x${uuid}`));
  expect(await found({ code: 'hub-rejected' })).toEqual([4, 3]);
  expect(await found({ code: 'hub-rejected', fleet: 'acme/a' })).toEqual([3]);
  expect(await found({ step: 'register', order: 'oldest' })).toEqual([3, 4]);
  expect(await found({ uuid: uuidOf(7).toUpperCase() })).toEqual([7]);
  expect(await found({ since: new Date(start + 8).toISOString() })).toEqual([9, 8]);
  expect(await found({ until: new Date(start + 2).toISOString() })).toEqual([1, 0]);
  expect(await found({ since: '30s' })).toEqual([]);
  expect((await listDeadLetters(deps, {})).byCode).toEqual({ 'service-not-found': 8, 'hub-rejected': 2 });
  expect((await listDeadLetters(deps, {})).byFleet).toEqual({ unknown: 8, 'acme/a': 1, 'acme/b': 1 });
});

test('pages follow one another, though something fails in between', async () => {
  const { deps, put, clock } = opsDependencies(tables);
  await Promise.all(Array.from({ length: 25 }, (_, index) => put(index)));
  const seen: (string | null)[] = [];
  let cursor: string | undefined;
  do {
    const page = await listDeadLetters(deps, { limit: 10, ...(cursor && { cursor }) });
    seen.push(...page.deadLetters.map(({ uuid }) => uuid));
    cursor = page.next ?? undefined;
    await put(100 + seen.length);
    clock.at += 60_000;
  } while (cursor);
  expect(seen).toEqual(Array.from({ length: 25 }, (_, index) => uuidOf(24 - index)));
});

test('the list is read anew once it is old, and otherwise only once for all who ask', async () => {
  const { deps, put, clock } = opsDependencies(tables);
  await put(1);
  expect((await listDeadLetters(deps, {})).total).toBe(1);
  await put(2);
  expect((await listDeadLetters(deps, {})).total).toBe(1);
  clock.at += 2_000;
  expect((await listDeadLetters(deps, {})).total).toBe(2);
});

test('records are listed by state, fleet, code and the beginning of a uuid', async () => {
  const { deps, put, clock } = opsDependencies(tables);
  await put(1, { job: null, observed: { ...opsRecordObserved, fleet: 'acme/a' } });
  await put(0xab, { job: { generation: 7, due: start + 9_000 }, error: null });
  await put(2);
  const found = async (query: object) =>
    (await listRecords(deps, query)).records.map(({ uuid }) => Number(`0x${uuid}`));
  expect((await listRecords(deps)).byState).toEqual({ failed: 2, queued: 1 });
  expect(await found({ state: 'queued' })).toEqual([0xab]);
  expect(await found({ fleet: 'acme/a' })).toEqual([1]);
  expect(await found({ code: 'service-not-found', order: 'oldest' })).toEqual([1, 2]);
  expect(await found({ uuid: uuidOf(0xab).slice(0, 31) })).toEqual([0xab]);
  expect(await found({ uuid: 'FF' })).toEqual([]);
  expect((await listRecords(deps, { state: 'queued' })).records[0]).toMatchObject({
    dueAt: new Date(start + 9_000).toISOString(),
    code: null,
  });
  // Only changed records are read again. A record with a lease is shown as working.
  clock.at += 2_000;
  await put(2, {
    job: { generation: 9, due: start },
    lease: { by: 'x', until: start + 60_000, generation: 0, lateUntil: start + 60_000 },
  });
  expect(await found({ state: 'working' })).toEqual([2]);
  clock.at += 60_000;
  expect(await found({ state: 'working' })).toEqual([]);
});

test('devices whose last check failed are listed, whatever their state, and devices outside the served fleets', async () => {
  const { deps, put } = opsDependencies(tables);
  const fleet = 'acme/checked';
  const observed = { ...opsRecordObserved, fleet };
  await put(1, { job: null, observed });
  await put(2, { job: null, error: null, observed });
  await put(3, { observed });
  await put(4, {
    job: null,
    observed: { ...observed, outside: { since: start, sightings: 0, isHandled: false } },
  });
  const found = async (query: object) =>
    (await listRecords(deps, { fleet, order: 'oldest', ...query })).records.map(({ uuid }) =>
      Number(`0x${uuid}`),
    );
  expect(await found({ lastCheck: 'failed' })).toEqual([1]);
  expect(await found({ state: 'outside' })).toEqual([4]);
});

test('what is not a state is refused, and the states are named', async () => {
  const { deps } = opsDependencies(tables);
  await expect(listRecords(deps, { state: 'lost' as 'failed' })).rejects.toMatchObject({
    code: 'ops.bad-filter',
    message: expect.stringMatching(/"state".*provisioned/),
  });
});

test('the history of a device shows its requests; a device without a request has no history', async () => {
  const { deps, put } = opsDependencies(tables);
  const steps = [{ step: 'validate' as const, ms: 12, code: 'service-not-found' as const }];
  await put(1, { history: [{ at: start, type: 'ran', note: 'failed for good', steps }] });
  expect(await readHistory(deps, uuidOf(1))).toMatchObject({
    device: {
      state: 'failed',
      replayable: true,
      hub: 'unknown',
      error: { code: 'service-not-found' },
      dueAt: null,
    },
    history: [{ at: new Date(start).toISOString(), type: 'ran', note: 'failed for good', steps }],
  });
  // A device that balena never had has no dead letter, so there is nothing to replay.
  await put(3, deadWith({ unknown: true }));
  expect((await readHistory(deps, uuidOf(3))).device.replayable).toBe(false);
  await expect(readHistory(deps, uuidOf(2))).rejects.toMatchObject({
    code: 'ops.no-such-device',
    status: 404,
  });
});

const opsRecordObserved = {
  thumbprint: null,
  previous: null,
  service: null,
  hub: 'unknown' as const,
  fleet: null,
  notBefore: null,
  notAfter: null,
  keyAlgorithm: null,
  verifiedAt: 0,
};
