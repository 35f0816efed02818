import { randomUUID } from 'node:crypto';
import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem();
const { balena, hub, queue } = system;

const uuid = randomUUID().replaceAll('-', '');
const message = {
  v: 1,
  uuid,
  requestId: randomUUID(),
  generation: 1_800_000_000,
  due: Date.now(),
  operation: 'provision',
  service: 'main',
};
const without = (name: keyof typeof message) => ({ ...message, [name]: undefined });
const json = 'application/json';

const bad: [string, unknown, string | undefined, string, RegExp][] = [
  ['that is text', 'provision it, please', 'text/plain', 'bad-message', /not a JSON object/],
  [
    'that says that it is JSON, and is not',
    Buffer.from('{"v": 1, "uuid":'),
    json,
    'bad-message',
    /not a JSON/,
  ],
  ['of bytes that are no text', Buffer.from([0xff, 0x00, 0x7b]), undefined, 'bad-message', /not a JSON/],
  [
    'with a lock token of its own',
    { ...message, uuid: 'abc', lockToken: randomUUID(), sequenceNumber: 7, EnqueuedTime: 'never' },
    json,
    'bad-message',
    /fields.*: uuid\./,
  ],
  ['that is a JSON array', [message], json, 'bad-message', /not a JSON object/],
  [
    'that is empty',
    {},
    json,
    'bad-message',
    /fields.*: v, uuid, requestId, generation, due, operation, service/,
  ],
  ['without a request', without('requestId'), json, 'bad-message', /fields.*: requestId\./],
  ['without a device', without('uuid'), json, 'bad-message', /fields.*: uuid\./],
  ['with another form of device', { ...message, uuid: 'abc' }, json, 'bad-message', /fields.*: uuid\./],
  ['for an unknown operation', { ...message, operation: 'reboot' }, json, 'bad-message', /: operation\./],
  ['of an unknown version', { ...message, v: 'new' }, json, 'bad-message', /: v\./],
];

test.each(bad)(
  'a message %s is dead-lettered at its first delivery, and says why',
  async (_, body, contentType, reason, description) => {
    const messageId = randomUUID();
    await queue.send(body, { messageId, ...(contentType && { contentType }) });
    const deadLetter = await waitFor('it is dead-lettered', async () =>
      (await queue.deadLetters()).find((each) => each.messageId === messageId),
    );
    expect(deadLetter.deadLetterReason).toBe(reason);
    expect(deadLetter.deadLetterErrorDescription).toMatch(description);
    expect(deadLetter.deliveryCount).toBe(0);
  },
);

test('a message that names no request of its device starts no work', async () => {
  const device = await system.provisioned();
  const { json: before } = await system.get(device);
  await Promise.all([hub.forget(), balena.forget()]);
  await queue.send({ ...message, uuid: device, generation: 1 }, { contentType: json });

  await waitFor('it is worked off', async () => (await queue.messages()).length === 0);
  expect((await system.get(device)).json).toEqual(before);
  expect((await hub.requested()).total + (await balena.requested()).total).toBe(0);
});

test('a message about a device without a record is taken for what it says', async () => {
  const device = await balena.newDevice();
  await queue.send({ ...message, uuid: device }, { contentType: json });
  await system.state(device, 'provisioned');
  expect(await system.credentials(device)).toMatchObject({ matches: true, accepted: true });
});

test('a host without the settlement service: a message is dead-lettered at its first delivery, with its reason', async () => {
  const controlUrl = system.stack.hosts[0]?.endpoints.controlUrl;
  const faults = (body: object) =>
    fetch(`${controlUrl}/host-faults`, { method: 'PUT', body: JSON.stringify(body) });
  expect((await faults({ settlementUnimplemented: true })).status).toBe(200);
  const messageId = randomUUID();
  await queue.send('provision it, please', { messageId });
  const deadLetter = await waitFor('it is dead-lettered', async () =>
    (await queue.deadLetters()).find((each) => each.messageId === messageId),
  );
  await faults({});
  expect(deadLetter).toMatchObject({ deadLetterReason: 'bad-message', deliveryCount: 0 });
});

test('while Service Bus has no credits, a request gets 503 with its cause, and loses nothing', async () => {
  const { controlUrl = '' } = system.stack.endpoints.serviceBus ?? {};
  const credits = (perSecond: number | null) =>
    fetch(`${controlUrl}/credits`, { method: 'PUT', body: JSON.stringify({ perSecond }) });
  const device = await balena.newDevice();
  await system.provisioned();
  expect((await credits(0)).status).toBe(200);
  const { status, json, headers } = await system.post(device, 'main');
  expect([status, json.code]).toEqual([503, 'queue-throttled']);
  expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(5);
  expect((await system.health()).text).toMatch(/^queue: NOT OK, .*ServerBusy/m);
  await credits(null);
  expect((await system.post(device, 'main')).status).toBe(202);
  await system.state(device, 'provisioned');
  // The functions report what they have seen ten seconds later at the latest.
  const seen = /^queue: NOT OK, answers; Service Bus limited our requests \d+ s ago/m;
  await waitFor('health names the limit', async () => seen.test((await system.health()).text));
});

// The last test: the copy stays in the queue.
test('a message of a newer version is put back as it is, for a worker of that version', async () => {
  const newer = { v: 2, device: uuid, what: { is: 'unknown' } };
  await queue.send(newer, { contentType: json });
  const copy = await waitFor('it is put back', async () =>
    (await queue.messages()).find(({ messageId }) => String(messageId).startsWith('newer~')),
  );
  expect(copy.body).toEqual(newer);
  expect((await queue.deadLetters()).some(({ body }) => body?.v === 2)).toBe(false);
});
