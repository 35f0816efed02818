import type { DeviceRecord } from '../../../src/device/record.js';
import { type Asked, accept } from '../../../src/provisioning/accept.js';
import { acceptTools } from '../../support/acceptTools.js';
import { failed, now, provisioned, queued, requestId, thumbprint, uuid } from '../../support/records.js';

const minutes = 60_000;
const post: Asked = { uuid, present: true, service: 'main' };
const remove: Asked = { uuid, present: false };
const fresh = (record: DeviceRecord): DeviceRecord => ({
  ...record,
  observed: { ...record.observed, verifiedAt: now },
});

/** A device with this record, asked for at this time. */
async function asked(record: DeviceRecord | null, ask: Asked, at = now) {
  const system = acceptTools(at);
  if (record) await system.put(record);
  const answer = await accept(system.tools, ask);
  return { ...system, answer };
}

describe('a device that was never asked for', () => {
  test('is written down, and its message sent, before it is accepted', async () => {
    const { answer, sent, record } = await asked(null, post);
    const stored = await record(uuid);
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: stored.desired } });
    expect(stored).toMatchObject({
      desired: { present: true, service: 'main', requestedAt: now },
      ticket: { n: stored.lastN, kind: 'change', due: now },
      firstN: stored.lastN,
    });
    const { requestId } = stored.desired;
    expect(sent).toEqual([
      {
        v: 1,
        uuid,
        requestId,
        n: stored.lastN,
        due: now,
        operation: 'provision',
        service: 'main',
        messageId: `${requestId}.${stored.lastN}`,
        at: now,
      },
    ]);
  });

  test('has a number from the clock, so that a lost record cannot meet its own past', async () => {
    const { record } = await asked(null, post);
    expect((await record(uuid)).lastN).toBe(now / 1_000 + 1);
  });

  test('can be asked to be absent', async () => {
    const { answer, sent } = await asked(null, remove);
    expect(answer.kind).toBe('accepted');
    expect(sent).toMatchObject([{ operation: 'deprovision', service: null }]);
  });
});

describe('what a bulk action is to come to in hours', () => {
  const hours = 60 * minutes;
  const waiting: DeviceRecord = {
    ...queued,
    action: { id: 'a', error: null, before: {} },
    ticket: { n: 1, kind: 'change', due: now + 5 * hours },
  };

  test('does not wait, if the device asks by itself: it is a new request, and the action leaves it alone', async () => {
    const { answer, sent } = await asked(waiting, post);
    expect(answer).toMatchObject({ kind: 'accepted', record: { action: null, ticket: { due: now } } });
    expect(answer.record.desired.requestId).not.toBe(requestId);
    expect(sent).toMatchObject([{ requestId: answer.record.desired.requestId, due: now }]);
  });

  test.each<[string, Partial<DeviceRecord>]>([
    ['its turn is near', { ticket: { n: 1, kind: 'change', due: now + minutes } }],
    ['it has its slot', { ticket: { n: 1, kind: 'change', due: now + 5 * hours, slot: now } }],
    ['a worker is at it', { lease: { by: 'w', until: now + minutes } }],
    ['it was tried and is tried again', { retries: 1 }],
  ])('is the same request, if %s', async (_, more) => {
    const { table } = await asked({ ...waiting, ...more }, post);
    expect(table.writes).toBe(0);
  });

  test('does not put off what is owed already', async () => {
    const later = { ...post, retire: thumbprint, action: 'b', due: now + 5 * hours };
    const { answer } = await asked(queued, later, now + 1_000);
    expect(answer.record.ticket?.due).toBe(now + 1_000);
  });
});

describe('the same request again, while it is under way', () => {
  test('is the same request, and costs one read', async () => {
    const { answer, sent, table } = await asked(queued, post, now + 1_000);
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: { requestId } } });
    expect([table.reads, table.writes, sent.length]).toEqual([1, 0, 0]);
  });

  const first = { ...queued, firstN: 1, lastN: 1 };
  test.each<[string, number, DeviceRecord, number]>([
    ['is sent again after 30 s, if no worker has taken it up', 1, first, 30_001],
    ['is not sent again sooner', 0, first, 30_000],
    ['is not sent again while a worker is at it', 0, { ...first, lease: { by: 'w', until: now } }, 90_000],
    ['is not sent again once a worker has put it off', 0, { ...first, firstN: 0 }, 90_000],
    [
      'is sent again at once if its send is known to have failed',
      1,
      { ...first, ticket: { n: 1, kind: 'change', due: now, unsent: true } },
      0,
    ],
  ])('%s', async (_, times, record, afterMs) => {
    const { sent } = await asked(record, post, now + afterMs);
    expect(sent).toHaveLength(times);
  });

  test('is sent again once a minute by one process, and not with every ask', async () => {
    const { tools, sent, clock } = await asked(first, post, now + 31_000);
    clock.at += 59_999;
    await accept(tools, post);
    expect(sent).toHaveLength(1);
    clock.at += 1;
    await accept(tools, post);
    expect(sent.map(({ messageId }) => messageId)).toEqual([`${requestId}.1`, `${requestId}.1`]);
  });
});

describe('a device that is provisioned', () => {
  test('is already provisioned, and nothing is written', async () => {
    const { answer, table } = await asked(fresh(provisioned), post);
    expect(answer.kind).toBe('already-provisioned');
    expect(table.writes).toBe(0);
  });

  test('is looked at again, if that was not done for ten minutes', async () => {
    const { answer, record, sent } = await asked(fresh(provisioned), post, now + 10 * minutes + 1);
    expect(answer.kind).toBe('already-provisioned');
    expect(await record(uuid)).toMatchObject({ ticket: { kind: 'check' }, desired: { requestId } });
    expect(sent).toHaveLength(1);
  });

  test('is already provisioned although it cannot be looked at again now', async () => {
    const system = acceptTools(now + 11 * minutes);
    await system.put(fresh(provisioned));
    system.queue.fails = true;
    expect((await accept(system.tools, post)).kind).toBe('already-provisioned');
  });

  test('is taken up again if it is not as it should be', async () => {
    const { answer } = await asked({ ...fresh(provisioned), places: ['main', 'relay'] }, post);
    expect(answer.kind).toBe('accepted');
    expect(answer.record.desired.requestId).not.toBe(requestId);
  });

  test('is rotated when its certificate is to be retired', async () => {
    const { answer } = await asked(fresh(provisioned), { ...post, retire: thumbprint, revoke: true });
    expect(answer).toMatchObject({
      kind: 'accepted',
      record: { desired: { retire: thumbprint, revoke: true }, observed: { thumbprint } },
    });
  });
});

describe('a request that failed for good', () => {
  test('is not taken up again within its cool-down', async () => {
    const { answer, sent } = await asked(failed, post, failed.coolUntil - 1);
    expect(answer).toMatchObject({ kind: 'failed', askAgainAt: failed.coolUntil });
    expect(sent).toEqual([]);
  });

  test('is taken up again after it, as a new request', async () => {
    const { answer } = await asked({ ...failed, attempts: 10, retries: 10 }, post, failed.coolUntil);
    expect(answer).toMatchObject({ kind: 'accepted', record: { attempts: 0, retries: 0, error: null } });
    expect(answer.record.desired.requestId).not.toBe(requestId);
  });

  test('can be taken back at any time', async () => {
    expect((await asked(failed, remove)).answer.kind).toBe('accepted');
  });

  test('does not keep the device from another service', async () => {
    expect((await asked(failed, { ...post, service: 'relay' })).answer.kind).toBe('accepted');
  });
});

describe('another service than the one before', () => {
  const relay: Asked = { ...post, service: 'relay' };

  test('is accepted, and the time of the move is written down', async () => {
    const { answer } = await asked(fresh(provisioned), relay);
    expect(answer).toMatchObject({
      kind: 'accepted',
      record: { desired: { service: 'relay', movedAt: now } },
    });
  });

  test('is refused within ten minutes of the last move', async () => {
    const moved = { ...queued, desired: { ...queued.desired, movedAt: now } };
    const { answer } = await asked(moved, relay, now + 10 * minutes - 1);
    expect(answer).toMatchObject({ kind: 'service-conflict', askAgainAt: now + 10 * minutes });
    expect((await asked(moved, relay, now + 10 * minutes)).answer.kind).toBe('accepted');
  });

  test('is no conflict after a deprovision', async () => {
    const absent = { ...queued, desired: { ...queued.desired, present: false, service: null, movedAt: now } };
    expect((await asked(absent, relay, now + 1)).answer.kind).toBe('accepted');
  });
});

describe('what is to be retired and revoked', () => {
  const rotating = { ...queued, desired: { ...queued.desired, retire: thumbprint, revoke: true } };
  const absent = { ...rotating, desired: { ...rotating.desired, present: false, service: null } };

  test.each<[string, DeviceRecord, Asked]>([
    ['a move', rotating, { ...post, service: 'relay' }],
    ['a deprovision', rotating, remove],
    ['a deprovision that is under way', absent, post],
  ])('is carried along through %s', async (_, record, ask) => {
    const { answer } = await asked(record, ask);
    expect(answer.record.desired).toMatchObject({ retire: thumbprint, revoke: true });
  });

  test('is forgotten once a deprovision is done: the certificate is gone', async () => {
    const { answer } = await asked({ ...absent, ticket: null }, post);
    expect(answer.record.desired).not.toHaveProperty('retire');
    expect(answer.record.desired).not.toHaveProperty('revoke');
  });

  test('is not revoked any more when another certificate is to be retired', async () => {
    const { answer } = await asked(rotating, { ...post, retire: 'B'.repeat(64) });
    expect(answer.record.desired).toMatchObject({ retire: 'B'.repeat(64), revoke: false });
  });
});

test('asked with distrust, the worker is to ask the hub', async () => {
  const { record } = await asked(provisioned, {
    ...post,
    retire: 'B'.repeat(64),
    revoke: true,
    distrust: true,
  });
  expect((await record(uuid)).ticket).toMatchObject({ kind: 'change', distrust: true });
});

test('a worker and what it found are left alone', async () => {
  const lease = { by: 'w', until: now + 1 };
  const { record } = await asked({ ...provisioned, lease }, remove);
  expect(await record(uuid)).toMatchObject({ lease, observed: provisioned.observed, places: ['main'] });
});

test('what cannot be sent is not accepted; it is marked, and sent when it is asked for again', async () => {
  const system = acceptTools(now);
  system.queue.fails = true;
  await expect(accept(system.tools, post)).rejects.toMatchObject({ code: 'queue-unavailable' });
  expect((await system.record(uuid)).ticket).toMatchObject({ unsent: true });
  system.queue.fails = false;
  const { record } = await accept(system.tools, post);
  expect(system.sent.map(({ n }) => n)).toEqual([record.lastN]);
});

test('what cannot be written is not accepted', async () => {
  const system = acceptTools(now);
  system.table.fails = true;
  await expect(accept(system.tools, post)).rejects.toThrow('cannot be reached');
  expect(system.sent).toEqual([]);
});
