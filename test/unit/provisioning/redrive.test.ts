import type { ListedDevice } from '../../../src/device/lists.js';
import type { DeviceRecord, Job } from '../../../src/device/record.js';
import { requestPartOf } from '../../../src/device/refusal.js';
import { newRecord } from '../../../src/device/transitionParts.js';
import { type RedriveDependencies, redrive } from '../../../src/provisioning/redrive.js';
import { type DiscardedDeadLetter, openDiscardedDeadLetters } from '../../../src/queue/deadLetters.js';
import type { ProvisioningMessage } from '../../../src/queue/messages.js';
import type { Envelope, PeekedDeadLetter, Queue } from '../../../src/queue/queue.js';
import { openLastRun } from '../../../src/storage/timerRows.js';
import { memoryTable } from '../../support/memoryTable.js';
import { openTestRecords } from '../../support/openTestRecords.js';

const now = 1_800_000_000_000;
const clock = { now: () => now, sleep: async () => {} };
const minutes = 60_000;
const window = 10 * minutes;
const requestId = '018f0000-0000-7000-8000-000000000000';
const uuidOf = (index: number) => index.toString(16).padStart(32, '0');

/** A queue with these dead letters. The queue records all messages. */
function fakeQueue(
  deadLetters: {
    uuid: string;
    generation: number;
    requestId?: string;
    body?: unknown;
    enqueuedAt?: number;
  }[] = [],
) {
  const sent: (ProvisioningMessage & Envelope)[] = [];
  const removed: string[] = [];
  const all = deadLetters.map(
    ({ uuid, generation, requestId: id = requestId, body, enqueuedAt = now }, at): PeekedDeadLetter => ({
      body: body ?? { v: 1, uuid, requestId: id, generation, due: now, operation: 'provision', service: '' },
      sequenceNumber: String(at),
      reason: '',
      description: '',
      enqueuedAt,
    }),
  );
  const queue: Queue = {
    async send(message, envelope) {
      sent.push({ ...message, ...envelope });
    },
    sendWakeUp: async () => {},
    async *deadLetters() {
      yield* all;
    },
    async removeDeadLetters(sequenceNumbers) {
      removed.push(...sequenceNumbers);
      return sequenceNumbers.size;
    },
    ping: async () => {},
    close: async () => {},
  };
  return { queue, sent, removed };
}

async function lastRunAt(at: number) {
  const lastRun = openLastRun(memoryTable<{ at: number }>(), 'redrive');
  await lastRun.write(at);
  return lastRun;
}

async function withRecords(jobs: (Job | null)[], fake = fakeQueue()) {
  const records = openTestRecords(memoryTable<DeviceRecord>(), clock, memoryTable<ListedDevice>());
  for (const [index, job] of jobs.entries()) {
    const desired = { present: true, service: '', requestId, requestedAt: now };
    await records.write({ ...newRecord(uuidOf(index), desired, now), job }, null);
  }
  const deps: RedriveDependencies = {
    records,
    queue: fake.queue,
    discarded: openDiscardedDeadLetters(memoryTable<DiscardedDeadLetter>()),
    clock,
    duplicateWindowMs: window,
    periodMs: 5 * minutes,
    lastRun: await lastRunAt(now - 5 * minutes),
  };
  return { deps, ...fake };
}
/** A job whose dead letter has the due time of ten minutes ago. */
const resentLater = {
  at: now - 5 * minutes,
  deadLetters: [{ due: now - 10 * minutes, activeAt: now - 10 * minutes }],
};
const late = (ms: number, more: Partial<Job> = {}): Job => ({
  generation: 7,

  due: now - ms,
  ...more,
});

test('the message of an overdue job is sent again: the same job, with the same message id', async () => {
  const { deps, sent } = await withRecords([late(window + 1)]);
  expect(await redrive(deps)).toEqual({ sent: 1, cleaned: 0 });
  expect(sent).toMatchObject([
    { uuid: uuidOf(0), generation: 7, messageId: `${requestId}.7`, requestId, due: now },
  ]);
});

test('it is sent when it is late by the duplicate window, and again when that has doubled, and so on', async () => {
  const latenesses = [9, 11, 14, 16, 19, 21, 24, 26, 39, 41, 44, 46, 79, 81];
  const { deps, sent } = await withRecords(latenesses.map((each) => late(each * minutes)));
  await redrive(deps);
  const found = sent.map(({ uuid }) => latenesses[Number.parseInt(uuid, 16)]);
  expect(found.sort((a = 0, b = 0) => a - b)).toEqual([11, 14, 21, 24, 41, 44, 81]);
});

test('each run of five minutes that there is in a day sends it a few times only', async () => {
  const runs = Array.from({ length: 288 }, (_, run) => late((run * 5 + 1) * minutes));
  const { deps } = await withRecords(runs);
  // After 10, 20, 40, 80, 160, 320, 640 and 1,280 minutes.
  expect((await redrive(deps)).sent).toBe(8);
});

test('a turn that was missed, since the timer did not run or ran late, is made up for', async () => {
  const { deps, sent } = await withRecords([late(16 * minutes), late(26 * minutes), late(46 * minutes)]);
  deps.lastRun = await lastRunAt(now - 6.5 * minutes);
  await redrive(deps);
  expect(sent.map(({ uuid }) => uuid).sort()).toEqual([uuidOf(0), uuidOf(1), uuidOf(2)]);
  expect(await deps.lastRun.read()).toBe(now);
});

test('two runs at the same time, and a third right after them, send the same message only with the same id', async () => {
  const { deps, sent } = await withRecords([late(window + 1)]);
  await Promise.all([redrive(deps), redrive(deps)]);
  await redrive(deps);
  expect(new Set(sent.map(({ messageId }) => messageId))).toEqual(new Set([`${requestId}.7`]));
});

test('two runs at the same time replay a resent dead letter once', async () => {
  const message = { v: 1, uuid: uuidOf(0), requestId, generation: 7, operation: 'provision', service: '' };
  const body = { ...message, due: now - 10 * minutes };
  const fake = fakeQueue([{ uuid: '', generation: 0, body, enqueuedAt: now - minutes }]);
  const { deps, sent } = await withRecords([late(0, { dead: resentLater })], fake);
  await Promise.all([redrive(deps), redrive(deps)]);
  expect((await deps.records.read(uuidOf(0)))?.value.replays).toBe(1);
  expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(1);
});

test('a message that cannot be sent does not keep the others; that run does not count, and the next sends it', async () => {
  const { deps, sent } = await withRecords([late(window + 1), late(window + 1), late(window + 1)]);
  const { send } = deps.queue;
  let fails = true;
  deps.queue.send = async (message, envelope) => {
    if (fails && message.uuid === uuidOf(1)) throw new Error('not now');
    return send(message, envelope);
  };
  await expect(redrive(deps)).rejects.toThrow('not now');
  expect(sent.map(({ uuid }) => uuid).sort()).toEqual([uuidOf(0), uuidOf(2)]);
  expect(await deps.lastRun.read()).toBe(now - 5 * minutes);
  fails = false;
  await redrive(deps);
  expect(sent.map(({ uuid }) => uuid)).toContain(uuidOf(1));
});

test('a message of the first batch that cannot be sent does not keep the later batches', async () => {
  const { deps, sent } = await withRecords(Array.from({ length: 120 }, () => late(window + 1)));
  const { send } = deps.queue;
  deps.queue.send = async (message, envelope) => {
    if (message.uuid === uuidOf(0)) throw new Error('not now');
    return send(message, envelope);
  };
  await expect(redrive(deps)).rejects.toThrow('not now');
  expect(sent).toHaveLength(119);
});

test('where nothing can be sent, the redrive stops after the first batch', async () => {
  const { deps } = await withRecords(Array.from({ length: 120 }, () => late(window + 1)));
  let calls = 0;
  deps.queue.send = async () => {
    calls += 1;
    throw new Error('away');
  };
  await expect(redrive(deps)).rejects.toThrow('away');
  expect(calls).toBe(50);
});

test('the message of a failed or absent job is not sent', async () => {
  const { deps } = await withRecords([null, late(window + 1, { dead: { at: now } })]);
  expect(await redrive(deps)).toEqual({ sent: 0, cleaned: 0 });
});

test.each([
  ['as a value', (body: object) => body],
  ['as a text', (body: object) => JSON.stringify(body)],
])('a dead letter that was resent %s, and never reached a worker, is replayed', async (_, made) => {
  const body = made({
    v: 1,
    uuid: uuidOf(0),
    requestId,
    generation: 7,
    due: now - 10 * minutes,
    operation: 'provision',
    service: '',
  });
  const fake = fakeQueue([{ uuid: '', generation: 0, body, enqueuedAt: now - minutes }]);
  const { deps, sent } = await withRecords([late(0, { dead: resentLater })], fake);
  await redrive(deps);
  expect(sent).toMatchObject([{ uuid: uuidOf(0), generation: expect.any(Number), due: now }]);
  const record = (await deps.records.read(uuidOf(0)))?.value;
  expect(record).toMatchObject({ replays: 1, job: { generation: sent[0]?.generation } });
  expect(record?.job?.dead).toBeUndefined();
  // The dead letter is superseded now, and the next run removes it.
  await redrive(deps);
  expect(fake.removed).toEqual(['0']);
  expect(sent).toHaveLength(1);
});

test('a dead letter of a refused request that was resent, and never reached a worker, is replayed', async () => {
  const refused = {
    ...newRecord(uuidOf(0), { present: true, service: 'x', requestId, requestedAt: now }, now),
  };
  const body = { v: 1, uuid: uuidOf(0), requestId, generation: 7, operation: 'provision', service: 'x' };
  const fake = fakeQueue([
    { uuid: '', generation: 0, body: { ...body, due: now - 10 * minutes }, enqueuedAt: now - minutes },
  ]);
  const { deps, sent } = await withRecords([null], fake);
  await deps.records.amend(uuidOf(0), (record) => ({
    ...record!,
    desired: { ...record!.desired, requestId: '018f0000-0000-7000-8000-00000000000a' },
    refusal: requestPartOf({ ...refused, job: late(0, { dead: resentLater }) }),
  }));
  await redrive(deps);
  expect(sent).toMatchObject([{ uuid: uuidOf(0), requestId, service: 'x' }]);
  const record = (await deps.records.read(uuidOf(0)))?.value;
  expect(record).toMatchObject({
    replays: 1,
    desired: { service: 'x' },
    job: { generation: sent[0]?.generation },
  });
});

test.each([
  ['was cancelled', { ...resentLater, cancelled: true as const }, now - minutes],
  ['was discarded', { ...resentLater, discarded: { at: now, by: 'Ada', reason: 'x' } }, now - minutes],
  ['died after the message became active', resentLater, now - 10 * minutes],
  ['knows other dead letters only', { at: now - 5 * minutes }, now - minutes],
])('a dead letter whose job %s was not resent', async (_, dead, enqueuedAt) => {
  const message = { v: 1, uuid: uuidOf(0), requestId, generation: 7, operation: 'provision', service: '' };
  const body = { ...message, due: now - 10 * minutes };
  const fake = fakeQueue([{ uuid: '', generation: 0, body, enqueuedAt }]);
  const { deps, sent } = await withRecords([late(0, { dead })], fake);
  await redrive(deps);
  expect(sent).toEqual([]);
});

test('of the dead letters the superseded ones are removed, and those of a bulk action, which others go on with', async () => {
  const fake = fakeQueue([
    { uuid: uuidOf(0), generation: 7 },
    { uuid: uuidOf(0), generation: 6 },
    { uuid: uuidOf(0), generation: 7, requestId: '018f0000-0000-7000-8000-00000000000f' },
    { uuid: uuidOf(1), generation: 7 },
    { uuid: uuidOf(9), generation: 7 },
    { uuid: '', generation: 0, body: 'not JSON' },
    { uuid: '', generation: 0, body: { v: 1, action: requestId, generation: 3, due: now } },
  ]);
  const { deps, removed } = await withRecords([late(0, { dead: { at: now } }), null], fake);
  expect(await redrive(deps)).toEqual({ sent: 0, cleaned: 4 });
  expect(removed).toEqual(['1', '2', '3', '6']);
});

test('the dead letter of a discarded request is removed, and so is a discarded dead letter without a record', async () => {
  const fake = fakeQueue([
    { uuid: uuidOf(0), generation: 7 },
    { uuid: '', generation: 0, body: 'not JSON' },
    { uuid: '', generation: 0, body: 'not JSON either' },
  ]);
  const discarded = { at: now, by: 'ops', reason: 'scrapped' };
  const { deps, removed } = await withRecords([late(0, { dead: { at: now, discarded } })], fake);
  await deps.discarded.add({ sequenceNumber: '1', ...discarded });
  expect(await redrive(deps)).toEqual({ sent: 0, cleaned: 2 });
  expect(removed).toEqual(['0', '1']);
  expect(await deps.discarded.list()).toEqual(['1']);
});

test('the mark of a discarded dead letter is removed after the dead letter', async () => {
  const fake = fakeQueue([{ uuid: uuidOf(0), generation: 7 }]);
  const { deps } = await withRecords([late(0, { dead: { at: now } })], fake);
  await deps.discarded.add({ sequenceNumber: '12', at: now, by: 'ops', reason: 'scrapped' });
  await redrive(deps);
  expect(await deps.discarded.list()).toEqual([]);
});

test('where none is superseded, none is received: that would raise their delivery counts', async () => {
  const fake = fakeQueue([{ uuid: uuidOf(0), generation: 7 }]);
  const { deps, removed } = await withRecords([late(0, { dead: { at: now } })], fake);
  expect(await redrive(deps)).toEqual({ sent: 0, cleaned: 0 });
  expect(removed).toEqual([]);
});
