import { mostRetired } from '../../../src/device/request.js';
import { parseMessage } from '../../../src/queue/messages.js';
import { publish, publishCopy, publishOrMarkUnsent } from '../../../src/queue/publish.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { failed, now, provisioned, queued, requestId, uuid } from '../../support/records.js';

const message = {
  v: 1 as const,
  uuid,
  requestId,
  generation: 3,
  due: now,
  operation: 'provision' as const,
  service: 'main',
};

test('the message of a pending job is sent for the due time of the job, always with the same id', async () => {
  const { deps, sent } = acceptDependencies(now);
  const record = { ...queued, job: { generation: 3, due: now + 5_000 } };
  await publish(deps, record);
  await publish(deps, record);
  const expected = { ...message, due: now + 5_000, messageId: `${requestId}.3`, at: now + 5_000 };
  expect(sent).toEqual([expected, expected]);
});

test('the message carries what is to be retired and revoked', async () => {
  const { deps, sent } = acceptDependencies(now);
  const lists = { retire: ['A'.repeat(64), 'B'.repeat(64)], revoke: ['B'.repeat(64)] };
  await publish(deps, { ...queued, desired: { ...queued.desired, ...lists } });
  expect(sent).toMatchObject([lists]);
  expect(parseMessage(sent[0])).toMatchObject(lists);
});

test('the message of the longest lists stays below 2 KB', async () => {
  const { deps, sent } = acceptDependencies(now);
  const longest = Array.from({ length: mostRetired }, (_, i) => String(i).repeat(64));
  const desired = { ...queued.desired, service: 'x'.repeat(255), retire: longest, revoke: longest };
  await publish(deps, { ...queued, desired });
  expect(JSON.stringify(sent[0]).length).toBeLessThan(2_048);
  expect(() => parseMessage({ ...sent[0], retire: [...longest, 'A'] })).toThrow('retire');
});

test('a message never says that it was due in the past', async () => {
  const { deps, sent } = acceptDependencies(now + 60_000);
  await publish(deps, queued);
  expect(sent).toMatchObject([{ due: now + 60_000, at: now }]);
});

test.each([
  ['a dead job', failed],
  ['no job', provisioned],
])('of a record with %s, no message is sent', async (_, record) => {
  const { deps, sent } = acceptDependencies(now);
  await publish(deps, record);
  expect(sent).toEqual([]);
});

test('a copy has an id of its own, and so has a copy of the copy', async () => {
  const { deps, sent } = acceptDependencies(now);
  await publishCopy(deps.queue, message, { sequenceNumber: '7', enqueuedAt: now }, now + 1);
  await publishCopy(deps.queue, message, { sequenceNumber: '8', enqueuedAt: now }, now + 2);
  expect(sent.map(({ messageId }) => messageId)).toEqual([`${requestId}.3~7`, `${requestId}.3~8`]);
  expect(sent.map(({ due }) => due)).toEqual([now + 1, now + 2]);
});

describe('a job whose message cannot be sent', () => {
  test('is marked', async () => {
    const { deps, put, record, queue } = acceptDependencies(now);
    await put(queued);
    queue.fails = true;
    await expect(publishOrMarkUnsent(deps, queued)).rejects.toMatchObject({ code: 'queue-unavailable' });
    expect((await record(uuid)).job).toMatchObject({ unsent: true });
  });

  test('is not marked if a newer job has replaced the job', async () => {
    const { deps, put, record, queue } = acceptDependencies(now);
    await put({ ...queued, job: { ...queued.job!, generation: 2 } });
    queue.fails = true;
    await expect(publishOrMarkUnsent(deps, queued)).rejects.toThrow();
    expect((await record(uuid)).job).not.toHaveProperty('unsent');
  });
});
