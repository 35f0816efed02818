import { handleEvent } from '../../../../src/http/webhook/handle.js';
import type { WebhookEvent } from '../../../../src/http/webhook/parse.js';
import type { ErrorCode } from '../../../../src/shared/errors.js';
import { memoryDependencies } from '../../../support/webhookTools.js';

const uuid = 'ab'.repeat(16);
const thumbprint = 'A'.repeat(64);
const created: WebhookEvent = { kind: 'created', uuid };
const deleted: WebhookEvent = { kind: 'check', uuid, type: 'deleted' };
const requested = (service?: string): WebhookEvent => ({ kind: 'provision', uuid, service });

function setUp() {
  const memory = memoryDependencies();
  return { ...memory, handle: (event: WebhookEvent) => handleEvent(memory.deps, event, 'relay') };
}
/** A system with a device that is provisioned at the default service. */
async function provisioned() {
  const all = setUp();
  await all.handle(created);
  await all.settle(uuid, { thumbprint, service: 'relay', hub: [thumbprint, thumbprint] });
  all.sent.length = 0;
  return all;
}

test('"created" provisions a device that has no record, at the default service', async () => {
  const { handle, sent, deps } = setUp();
  const outcome = await handle(created);
  const { desired } = (await deps.records.read(uuid))?.value ?? {};
  expect(desired).toMatchObject({ present: true, service: 'relay', requestId: outcome.requestId });
  expect(outcome).toMatchObject({ outcome: 'accepted', uuid });
  expect(sent.map(({ message }) => message)).toEqual([expect.objectContaining({ uuid, service: 'relay' })]);
});

test('"created" only makes a worker look, if the device was requested, moved or deprovisioned before', async () => {
  for (const before of [requested('main'), deleted]) {
    const { handle, sent, deps, settle } = setUp();
    await handle(requested('main'));
    if (before === deleted) {
      await deps.records.amend(uuid, (record) => {
        if (record) Object.assign(record.desired, { present: false, service: null });
        return record;
      });
    }
    await settle(uuid);
    const [stood, messages] = [(await deps.records.read(uuid))?.value, sent.length];
    expect(await handle(created)).toMatchObject({ outcome: 'checked', uuid });
    const { desired, job, check } = (await deps.records.read(uuid))?.value ?? {};
    expect([desired, job]).toEqual([stood?.desired, stood?.job]);
    expect(check).not.toBeNull();
    expect(sent).toHaveLength(messages + 1);
  }
});

test('"created" while the device is being provisioned elsewhere leaves it there', async () => {
  const { handle, deps, sent } = setUp();
  const { requestId } = await handle(requested('main'));
  expect(await handle(created)).toMatchObject({ outcome: 'accepted', requestId });
  expect((await deps.records.read(uuid))?.value.desired.service).toBe('main');
  expect(sent).toHaveLength(1);
});

test('a request is what POST is: accepted, the same again, moved, refused', async () => {
  const { handle, sent, deps } = await provisioned();
  expect(await handle(requested())).toMatchObject({ outcome: 'already-provisioned' });
  expect(sent).toHaveLength(0);
  const { outcome, requestId } = await handle(requested('main'));
  expect(outcome).toBe('accepted');
  expect(await handle(requested('main'))).toMatchObject({ outcome: 'accepted', requestId });
  await deps.records.amend(uuid, (record) => {
    if (!record) return null;
    return { ...record, desired: { ...record.desired, movedAt: 1_800_000_000_000 } };
  });
  expect(await handle(requested('relay'))).toMatchObject({ outcome: 'service-conflict' });
  await deps.records.amend(uuid, (record) => {
    if (!record?.job) return null;
    return {
      ...record,
      job: { ...record.job, dead: { at: 0 } },
      coolDownUntil: Number.MAX_SAFE_INTEGER,
      error: { code: 'service-not-found', step: 'validate', message: 'No such service.', at: 0 },
    };
  });
  expect(await handle(requested('main'))).toMatchObject({ outcome: 'failed', message: 'No such service.' });
});

test.each(['online', 'updated', 'deleted'])(
  '"%s" is a check: what is wanted stays, and a worker looks',
  async (type) => {
    const { handle, sent, deps } = await provisioned();
    const before = (await deps.records.read(uuid))?.value;
    expect(await handle({ kind: 'check', uuid, type })).toMatchObject({ outcome: 'checked', uuid });
    const after = (await deps.records.read(uuid))?.value;
    expect(after?.desired).toEqual(before?.desired);
    expect(after).toMatchObject({ job: null, check: {} });
    expect(sent).toHaveLength(1);
  },
);

describe('a request that failed because balena did not have it yet', () => {
  const online: WebhookEvent = { kind: 'check', uuid, type: 'online' };

  async function failed(code: ErrorCode) {
    const all = setUp();
    await all.handle(requested('main'));
    await all.deps.records.amend(uuid, (record) => {
      if (!record?.job) return null;
      return {
        ...record,
        job: { ...record.job, dead: { at: all.clock.at } },
        coolDownUntil: Number.MAX_SAFE_INTEGER,
        error: { code, step: 'validate', message: 'Not there.', at: all.clock.at },
      };
    });
    all.sent.length = 0;
    return all;
  }

  test.each<[string, WebhookEvent, ErrorCode]>([
    ['created', created, 'device-not-found'],
    ['online', online, 'service-not-found'],
    ['updated', { ...online, type: 'updated' }, 'fleet-not-allowed'],
    ['deleted', deleted, 'hub-rejected'],
  ])('is looked at after "%s"', async (_, event, code) => {
    const { handle, deps, sent, clock } = await failed(code);
    const before = (await deps.records.read(uuid))?.value;
    const { outcome, requestId } = await handle(event);
    expect(outcome).toBe('checked');
    expect(requestId).toBe(before?.desired.requestId);
    const after = (await deps.records.read(uuid))?.value;
    expect(after).toMatchObject({ desired: before?.desired, job: before?.job, check: { due: clock.at } });
    expect(sent).toHaveLength(1);
  });
});

test('an event for a pending check says when the worker looks', async () => {
  const { handle, clock } = await provisioned();
  const { outcome, message } = await handle(deleted);
  expect(outcome).toBe('checked');
  expect(message).toContain(new Date(clock.at).toISOString());
});

test('a check of a device without a request writes nothing and sends nothing', async () => {
  const { handle, sent, deps } = setUp();
  expect(await handle(deleted)).toMatchObject({
    outcome: 'ignored',
    message: expect.stringContaining('nothing'),
  });
  expect(await deps.records.read(uuid)).toBeNull();
  expect(sent).toEqual([]);
});

test('other types are ignored, in words', async () => {
  const { handle, sent } = setUp();
  const { outcome, message } = await handle({ kind: 'ignored', type: 'renamed' });
  expect(outcome).toBe('ignored');
  expect(message).toMatch(/"renamed".*ignored.*created, online, updated, deleted/);
  expect(sent).toEqual([]);
});

test('in any order, and repeated, events leave one wish and send each message once', async () => {
  const online: WebhookEvent = { kind: 'check', uuid, type: 'online' };
  const orders = [
    [created, online, deleted],
    [deleted, created, online, created],
    [online, online, created, deleted, created, online],
  ];
  for (const order of orders) {
    const { handle, sent, deps } = setUp();
    for (const event of order) await handle(event);
    const { desired, job } = (await deps.records.read(uuid))?.value ?? {};
    expect(desired).toMatchObject({ present: true, service: 'relay' });
    expect(job?.dead).toBeUndefined();
    expect(sent.map(({ envelope }) => envelope.messageId)).toEqual([
      `${desired?.requestId}.${job?.generation}`,
    ]);
  }
});

describe.each([
  ['created', created],
  ['a request', requested('main')],
] as const)('%s', (_, event) => {
  test('is refused while the records are away, and nothing is sent', async () => {
    const { handle, sent, table } = setUp();
    table.fails = true;
    await expect(handle(event)).rejects.toMatchObject({ code: 'records-unavailable' });
    expect(sent).toEqual([]);
    table.fails = false;
    expect(await handle(event)).toMatchObject({ outcome: 'accepted' });
    expect(sent).toHaveLength(1);
  });

  test('is refused while the queue is away; repeated, it is sent once, for the same request', async () => {
    const { handle, sent, away, deps } = setUp();
    away.queue = true;
    await expect(handle(event)).rejects.toMatchObject({ code: 'queue-unavailable' });
    const { requestId } = (await deps.records.read(uuid))?.value.desired ?? {};
    away.queue = false;
    expect(await handle(event)).toMatchObject({ outcome: 'accepted', requestId });
    expect(await handle(event)).toMatchObject({ outcome: 'accepted', requestId });
    expect(sent).toHaveLength(1);
  });
});

test('a check that could not be sent is sent when the event is repeated', async () => {
  const { handle, sent, away } = await provisioned();
  away.queue = true;
  await expect(handle(deleted)).rejects.toMatchObject({ code: 'queue-unavailable' });
  away.queue = false;
  expect(await handle(deleted)).toMatchObject({ outcome: 'checked' });
  expect(sent).toHaveLength(1);
});
