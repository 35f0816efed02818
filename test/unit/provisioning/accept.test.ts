import type { DeviceRecord } from '../../../src/device/record.js';
import { requestPartOf } from '../../../src/device/refusal.js';
import { type DeviceRequest, mostRetired } from '../../../src/device/request.js';
import { accept } from '../../../src/provisioning/accept.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { failed, now, provisioned, queued, requestId, thumbprint, uuid } from '../../support/records.js';

const minutes = 60_000;
const post: DeviceRequest = { uuid, present: true, service: 'main' };
const other = 'B'.repeat(64);
const remove: DeviceRequest = { uuid, present: false };
const fresh = (record: DeviceRecord): DeviceRecord => ({
  ...record,
  observed: { ...record.observed, verifiedAt: now },
});

/** A device with this record, asked for at this time. */
async function requested(record: DeviceRecord | null, ask: DeviceRequest, at = now) {
  const system = acceptDependencies(at);
  if (record) await system.put(record);
  const answer = await accept(system.deps, ask);
  return { ...system, answer };
}

describe('a request that came back after the refusal of a later one', () => {
  const { validated: _, ...desired } = queued.desired;
  const later = { ...desired, service: 'x', requestId: 'later', requestedAt: desired.requestedAt + 1 };
  const back: DeviceRecord = {
    ...queued,
    desired,
    refusal: { ...requestPartOf(queued), desired: later, job: { generation: 1, due: 0, dead: { at: now } } },
  };

  test('is the last request if it is requested again', async () => {
    const { answer, record } = await requested(back, post);
    const stored = await record(uuid);
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: stored.desired } });
    expect(stored.desired.requestId).not.toBe(desired.requestId);
    expect(stored).toMatchObject({ desired: { requestedAt: now }, refusal: { desired: { service: 'x' } } });
  });

  test('is joined by a repeated request once it is validated', async () => {
    const { record } = await requested({ ...back, desired: { ...desired, validated: true } }, post);
    expect((await record(uuid)).desired.requestId).toBe(desired.requestId);
  });
});

describe('a device that was never asked for', () => {
  test('is written down, and its message sent, before it is accepted', async () => {
    const { answer, sent, record } = await requested(null, post);
    const stored = await record(uuid);
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: stored.desired } });
    expect(stored).toMatchObject({
      desired: { present: true, service: 'main', requestedAt: now },
      job: { generation: stored.lastGeneration, due: now },
      firstGeneration: stored.lastGeneration,
    });
    const { requestId } = stored.desired;
    expect(sent).toEqual([
      {
        v: 1,
        uuid,
        requestId,
        generation: stored.lastGeneration,
        due: now,
        operation: 'provision',
        service: 'main',
        messageId: `${requestId}.${stored.lastGeneration}`,
        at: now,
      },
    ]);
  });

  test('has a number from the clock, so that a lost record cannot meet its own past', async () => {
    const { record } = await requested(null, post);
    expect((await record(uuid)).lastGeneration).toBe(now / 1_000 + 1);
  });

  test('can be asked to be absent', async () => {
    const { answer, sent } = await requested(null, remove);
    expect(answer.kind).toBe('accepted');
    expect(sent).toMatchObject([{ operation: 'deprovision', service: null }]);
  });
});

describe('what a bulk action is to come to in hours', () => {
  const hours = 60 * minutes;
  const waiting: DeviceRecord = {
    ...queued,
    action: { id: 'a', error: null, previous: {} },
    job: { generation: 1, due: now + 5 * hours },
  };

  test('does not wait, if the device asks by itself: it is a new request, and the action leaves it alone', async () => {
    const { answer, sent } = await requested(waiting, post);
    expect(answer).toMatchObject({ kind: 'accepted', record: { action: null, job: { due: now } } });
    expect(answer.record.desired.requestId).not.toBe(requestId);
    expect(sent).toMatchObject([{ requestId: answer.record.desired.requestId, due: now }]);
  });

  test.each<[string, Partial<DeviceRecord>]>([
    ['its turn is near', { job: { generation: 1, due: now + minutes } }],
    ['it has its slot', { job: { generation: 1, due: now + 5 * hours, reservation: { lane: '', turn: 1 } } }],
    [
      'a worker is at it',
      { lease: { by: 'w', until: now + minutes, generation: 0, lateUntil: now + minutes } },
    ],
    ['it was tried and is tried again', { retries: 1 }],
  ])('is the same request, if %s', async (_, more) => {
    const { table } = await requested({ ...waiting, ...more }, post);
    expect(table.writes).toBe(0);
  });

  test('does not put off a job that is pending already', async () => {
    const later = { ...post, retire: thumbprint, action: 'b', due: now + 5 * hours };
    const { answer } = await requested(queued, later, now + 1_000);
    expect(answer.record.job?.due).toBe(now + 1_000);
  });
});

describe('the same request again, while it is under way', () => {
  test('is the same request, and costs one read', async () => {
    const { answer, sent, table } = await requested(queued, post, now + 1_000);
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: { requestId } } });
    expect([table.reads, table.writes, sent.length]).toEqual([1, 0, 0]);
  });

  const first = { ...queued, firstGeneration: 1, lastGeneration: 1 };
  test.each<[string, number, DeviceRecord, number]>([
    ['is sent again after 30 s, if no worker has taken it up', 1, first, 30_001],
    ['is not sent again sooner', 0, first, 30_000],
    [
      'is not sent again while a worker is at it',
      0,
      { ...first, lease: { by: 'w', until: now, generation: 0, lateUntil: now } },
      90_000,
    ],
    ['is not sent again once a worker has put it off', 0, { ...first, firstGeneration: 0 }, 90_000],
    [
      'is sent again at once if its send is known to have failed',
      1,
      { ...first, job: { generation: 1, due: now, unsent: true } },
      0,
    ],
  ])('%s', async (_, times, record, afterMs) => {
    const { sent } = await requested(record, post, now + afterMs);
    expect(sent).toHaveLength(times);
  });

  test('is sent again by one process once in the duplicate window of the queue', async () => {
    const { deps, sent, clock } = await requested(first, post, now + 31_000);
    clock.at += 599_999;
    await accept(deps, post);
    expect(sent).toHaveLength(1);
    clock.at += 1;
    await accept(deps, post);
    expect(sent.map(({ messageId }) => messageId)).toEqual([`${requestId}.1`, `${requestId}.1`]);
  });
});

describe('a device that is provisioned', () => {
  test('is already provisioned, and nothing is written', async () => {
    const { answer, table } = await requested(fresh(provisioned), post);
    expect(answer.kind).toBe('already-provisioned');
    expect(table.writes).toBe(0);
  });

  test('is checked, if no worker has looked for a minute: its variables may be missing', async () => {
    expect((await requested(fresh(provisioned), post, now + minutes - 1)).answer.kind).toBe(
      'already-provisioned',
    );
    const { answer, record, sent, deps } = await requested(fresh(provisioned), post, now + minutes);
    expect(answer).toMatchObject({ kind: 'checking', record: { desired: { requestId } } });
    expect(await record(uuid)).toMatchObject({ check: {}, desired: { requestId } });
    expect((await accept(deps, post)).kind).toBe('checking');
    expect(sent).toHaveLength(1);
  });

  const check = { generation: 2, due: now + 60 * minutes };
  test.each<[string, Partial<DeviceRecord>]>([
    ['is due soon', { check: { ...check, due: now + minutes } }],
    ['waits for its registry operation', { check: { ...check, reservation: { lane: '', turn: 3 } } }],
    ['has failed and is tried again', { check, retries: 1 }],
    [
      'is under way',
      {
        check: { ...check, due: now },
        lease: { by: 'w', until: now + minutes, generation: 0, lateUntil: now + minutes },
      },
    ],
  ])('is being mended, if a check %s', async (_, more) => {
    const { answer, table } = await requested({ ...fresh(provisioned), ...more }, post);
    expect(answer.kind).toBe('checking');
    expect(table.writes).toBe(0);
  });

  test('is checked at once, if a renewal is planned for later', async () => {
    const planned = { ...fresh(provisioned), check: { ...check, notBefore: check.due } };
    expect((await requested(planned, post)).answer.kind).toBe('already-provisioned');
    const { answer, sent } = await requested(planned, post, now + minutes);
    expect(answer).toMatchObject({
      kind: 'checking',
      record: { check: { due: now + minutes } },
    });
    expect(sent).toMatchObject([{ at: now + minutes }]);
  });

  test('is told why, if the last check failed, and is checked again after a minute', async () => {
    const error = { code: 'service-not-found', step: 'validate', message: 'Gone.', at: now } as const;
    const broken = { ...fresh(provisioned), error };
    const { answer, sent } = await requested(broken, post, now + 1_000);
    expect(answer).toMatchObject({ kind: 'failed', retryAt: now + minutes, record: { error } });
    expect(sent).toEqual([]);
    expect((await requested(broken, post, now + minutes)).answer.kind).toBe('checking');
  });

  test('gets no answer about another request: the request is decided anew if another one came before the check', async () => {
    const system = acceptDependencies(now + minutes);
    await system.put(fresh(provisioned));
    const { read } = system.deps.records;
    const { amend } = system.deps.records;
    let amends = 0;
    const records = {
      ...system.deps.records,
      read,
      amend: (async (...args: Parameters<typeof amend>) => {
        amends += 1;
        if (amends === 2) await accept(system.deps, remove);
        return amend(...args);
      }) as typeof amend,
    };
    const answer = await accept({ ...system.deps, records }, post);
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: { present: true } } });
    expect(await system.record(uuid)).toMatchObject({ desired: answer.record.desired, job: {} });
  });

  test('is told nothing while it cannot be looked at: the answer could be untrue', async () => {
    const system = acceptDependencies(now + 11 * minutes);
    await system.put(fresh(provisioned));
    system.queue.fails = true;
    await expect(accept(system.deps, post)).rejects.toMatchObject({ code: 'queue-unavailable' });
    system.queue.fails = false;
    expect((await accept(system.deps, post)).kind).toBe('checking');
    expect(system.sent).toHaveLength(1);
  });

  test('is taken up again if it is not as it should be', async () => {
    const { answer } = await requested({ ...fresh(provisioned), scopes: ['main', 'relay'] }, post);
    expect(answer.kind).toBe('accepted');
    expect(answer.record.desired.requestId).not.toBe(requestId);
  });

  test('is rotated when its certificate is to be retired', async () => {
    const { answer } = await requested(fresh(provisioned), { ...post, retire: thumbprint, revoke: true });
    expect(answer).toMatchObject({
      kind: 'accepted',
      record: { desired: { retire: [thumbprint], revoke: [thumbprint] }, observed: { thumbprint } },
    });
  });
});

describe('a DELETE', () => {
  test('of a device that is provisioned is written, and its message sent', async () => {
    const { answer, sent, record } = await requested(provisioned, remove);
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: { present: false } } });
    expect(await record(uuid)).toMatchObject({ desired: { present: false }, job: {} });
    expect(sent).toMatchObject([{ operation: 'deprovision' }]);
  });

  test('of a device whose provisioning is under way replaces the job', async () => {
    const { sent, record } = await requested(queued, remove);
    const { job, desired } = await record(uuid);
    expect(desired.present).toBe(false);
    expect(sent).toMatchObject([{ generation: job?.generation, operation: 'deprovision' }]);
  });
});

test('a rotation with revocation that is pending stays one, though the same rotation is requested without', async () => {
  const desired = { ...provisioned.desired, retire: [thumbprint], revoke: [thumbprint] };
  const action = { id: 'a', error: null };
  const later = { generation: 1, due: now + 60 * minutes };
  const pending = { ...provisioned, desired, action, job: later };
  const { record } = await requested(pending, { ...post, retire: thumbprint });
  expect((await record(uuid)).desired).toMatchObject({ retire: [thumbprint], revoke: [thumbprint] });
});

describe('a request that failed for good', () => {
  test('is not taken up again within its cool-down', async () => {
    const { answer, sent } = await requested(failed, post, failed.coolDownUntil - 1);
    expect(answer).toMatchObject({ kind: 'failed', retryAt: failed.coolDownUntil });
    expect(sent).toEqual([]);
  });

  test('is taken up again after it, as a new request', async () => {
    const { answer } = await requested({ ...failed, attempts: 10, retries: 10 }, post, failed.coolDownUntil);
    expect(answer).toMatchObject({ kind: 'accepted', record: { attempts: 0, retries: 0, error: null } });
    expect(answer.record.desired.requestId).not.toBe(requestId);
  });

  test('can be taken back at any time', async () => {
    expect((await requested(failed, remove)).answer.kind).toBe('accepted');
  });

  test('does not keep the device from another service', async () => {
    expect((await requested(failed, { ...post, service: 'relay' })).answer.kind).toBe('accepted');
  });
});

describe('a request that was refused', () => {
  const relay: DeviceRequest = { ...post, service: 'relay' };
  const dead = { generation: 2, due: now, dead: { at: now } };
  const refused: DeviceRecord = {
    ...fresh(provisioned),
    refusal: requestPartOf({
      ...failed,
      desired: { ...provisioned.desired, service: 'relay', requestId: 'refused' },
      job: dead,
    }),
  };

  test('is not taken up again within its cool-down, and after it as a new request', async () => {
    const { answer, sent } = await requested(refused, relay, failed.coolDownUntil - 1);
    expect(answer).toMatchObject({
      kind: 'failed',
      retryAt: failed.coolDownUntil,
      record: { desired: { requestId: 'refused' }, error: failed.error },
    });
    expect(sent).toEqual([]);
    expect((await requested(refused, relay, failed.coolDownUntil)).answer.kind).toBe('accepted');
  });

  test('concerns no other request', async () => {
    expect((await requested(refused, post)).answer.kind).toBe('already-provisioned');
    expect((await requested(refused, { ...post, service: 'third' })).answer.kind).toBe('accepted');
    expect((await requested(refused, remove)).answer.kind).toBe('accepted');
  });
});

describe('another service than the one before', () => {
  const relay: DeviceRequest = { ...post, service: 'relay' };

  test('is accepted, and the move does not count before it succeeds', async () => {
    const { answer, deps } = await requested(fresh(provisioned), relay);
    expect(answer).toMatchObject({ kind: 'accepted', record: { desired: { service: 'relay' } } });
    expect(answer.record.desired).not.toHaveProperty('movedAt');
    expect((await accept(deps, post)).kind).toBe('accepted');
  });

  test('is refused within ten minutes of the last move', async () => {
    const moved = { ...queued, desired: { ...queued.desired, movedAt: now } };
    const { answer } = await requested(moved, relay, now + 10 * minutes - 1);
    expect(answer).toMatchObject({ kind: 'service-conflict', retryAt: now + 10 * minutes });
    expect((await requested(moved, relay, now + 10 * minutes)).answer.kind).toBe('accepted');
  });

  test('is accepted at once after a move that failed for good', async () => {
    const moved = { ...failed, desired: { ...failed.desired, service: 'typo', movedAt: now } };
    expect((await requested(moved, relay, now + 1)).answer).toMatchObject({
      kind: 'accepted',
      record: { desired: { service: 'relay', movedAt: now } },
    });
  });

  describe('five seconds after a refused request', () => {
    const valid = { ...queued, desired: { ...queued.desired, validated: true } };
    const refusal = requestPartOf({ ...failed, job: { generation: 9, due: now, dead: { at: now } } });
    const typo = { ...refusal, desired: { ...refusal.desired, service: 'typo' } };

    test.each<[string, DeviceRecord, number, string]>([
      ['waits while a change is pending', { ...valid, refusal: typo }, 4_999, 'service-conflict'],
      ['is accepted afterwards', { ...valid, refusal: typo }, 5_000, 'accepted'],
      ['is accepted if nothing is pending', { ...provisioned, refusal: typo }, 1, 'accepted'],
    ])('%s', async (_, record, afterMs, kind) => {
      const { answer } = await requested(record, relay, now + afterMs);
      expect(answer.kind).toBe(kind);
      if (kind === 'service-conflict') expect(answer).toMatchObject({ retryAt: now + 5_000 });
    });

    test('a deprovisioning does not wait', async () => {
      const { answer } = await requested({ ...valid, refusal: typo }, { uuid, present: false }, now + 1);
      expect(answer.kind).toBe('accepted');
    });
  });

  test('waits if three other requests wait for their validation', async () => {
    const { validated: _, ...desired } = queued.desired;
    const { answer, deps } = await requested({ ...queued, desired }, { ...post, service: 'b' });
    expect(answer.kind).toBe('accepted');
    for (const service of ['c', 'd'])
      expect((await accept(deps, { ...post, service })).kind).toBe('accepted');
    const last = await accept(deps, { ...post, service: 'e' });
    expect(last).toMatchObject({ kind: 'service-conflict', record: { desired: { service: 'd' } } });
    expect((await accept(deps, { ...post, service: 'd' })).kind).toBe('accepted');
  });

  test('is no conflict after a deprovision', async () => {
    const absent = { ...queued, desired: { ...queued.desired, present: false, service: null, movedAt: now } };
    expect((await requested(absent, relay, now + 1)).answer.kind).toBe('accepted');
  });
});

describe('what is to be retired and revoked', () => {
  const rotating = { ...queued, desired: { ...queued.desired, retire: [thumbprint], revoke: [thumbprint] } };
  const absent = { ...rotating, desired: { ...rotating.desired, present: false, service: null } };

  test.each<[string, DeviceRecord, DeviceRequest]>([
    ['a move', rotating, { ...post, service: 'relay' }],
    ['a deprovision', rotating, remove],
    ['a deprovision that is under way', absent, post],
  ])('is carried along through %s', async (_, record, ask) => {
    const { answer } = await requested(record, ask);
    expect(answer.record.desired).toMatchObject({ retire: [thumbprint], revoke: [thumbprint] });
  });

  test('is not retired once a deprovision is done, and stays revoked: a device keeps its own key', async () => {
    const { answer } = await requested({ ...absent, job: null }, post);
    expect(answer.record.desired).not.toHaveProperty('retire');
    expect(answer.record.desired).toMatchObject({ revoke: [thumbprint] });
  });

  test('stays, when another certificate is to be retired, too', async () => {
    const { answer } = await requested(rotating, { ...post, retire: other });
    expect(answer.record.desired).toMatchObject({ retire: [thumbprint, other], revoke: [thumbprint] });
  });

  test('is revoked as well, if the same certificate is to be revoked later', async () => {
    const { answer } = await requested(rotating, { ...post, retire: other });
    const again = await requested(answer.record, { ...post, retire: other, revoke: true });
    expect(again.answer.record.desired).toMatchObject({
      retire: [thumbprint, other],
      revoke: [thumbprint, other],
    });
  });

  test('leaves a full list only after those that neither the device nor the hub uses', async () => {
    const letters = [...'CDEFGHIJ'].map((letter) => letter.repeat(64));
    const [first, second] = letters as [string, string];
    const observed = { ...provisioned.observed, hub: [first, thumbprint] as [string, string] };
    const full = { ...provisioned, observed, desired: { ...provisioned.desired, retire: letters } };
    expect(letters).toHaveLength(mostRetired);
    const { answer } = await requested(full, { ...post, retire: other });
    const others = letters.filter((each) => each !== second);
    expect(answer.record.desired).toMatchObject({ retire: [...others, other] });
  });
});

test('asked with distrust, the worker is to ask the hub', async () => {
  const { record } = await requested(provisioned, {
    ...post,
    retire: other,
    revoke: true,
    forceVerify: true,
  });
  expect((await record(uuid)).job).toMatchObject({ forceVerify: true });
});

test('a worker and what it found are left alone', async () => {
  const lease = { by: 'w', until: now + 1, generation: 0, lateUntil: now + 1 };
  const { record } = await requested({ ...provisioned, lease }, remove);
  expect(await record(uuid)).toMatchObject({ lease, observed: provisioned.observed, scopes: ['main'] });
});

test('what cannot be sent is not accepted; it is marked, and sent when it is asked for again', async () => {
  const system = acceptDependencies(now);
  system.queue.fails = true;
  await expect(accept(system.deps, post)).rejects.toMatchObject({ code: 'queue-unavailable' });
  expect((await system.record(uuid)).job).toMatchObject({ unsent: true });
  system.queue.fails = false;
  const { record } = await accept(system.deps, post);
  expect(system.sent.map(({ generation }) => generation)).toEqual([record.lastGeneration]);
});

test('what cannot be written is not accepted', async () => {
  const system = acceptDependencies(now);
  system.table.fails = true;
  await expect(accept(system.deps, post)).rejects.toThrow('cannot be reached');
  expect(system.sent).toEqual([]);
});
