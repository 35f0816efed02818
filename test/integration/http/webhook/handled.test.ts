import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTables } from '../../../../local/simulators/tables/startTables.js';
import type { EventOutcome } from '../../../../src/http/webhook/handle.js';
import { openHandledWebhooks } from '../../../../src/http/webhook/handled.js';
import { openTable } from '../../../../src/storage/table.js';

const folder = await mkdtemp(join(tmpdir(), 'webhooks-'));
const tables = await startTables({ port: 0, folder });
afterAll(async () => {
  await tables.close();
  await rm(folder, { recursive: true });
});

const day = 86_400_000;
let now = Date.parse('2030-01-01T00:00:00Z');
const clock = { now: () => now, sleep: async () => {} };
/** Opened anew for each call, so nothing is in memory. */
const handled = () =>
  openHandledWebhooks(openTable({ connection: tables.endpoints, name: 'webhooks' }), clock);
const webhook = (id: string, body = '{}') => ({ id, body });
const outcome: EventOutcome = { outcome: 'checked', uuid: 'ab'.repeat(16), message: 'A worker looks.' };

test('a webhook that was handled is known by its id, in every process', async () => {
  expect(await handled().outcomeOf(webhook('msg_1'))).toBeNull();
  await handled().add(webhook('msg_1'), outcome);
  expect(await handled().outcomeOf(webhook('msg_1'))).toEqual(outcome);
  expect(await handled().outcomeOf(webhook('msg_2'))).toBeNull();
});

test('the same id with another body is another webhook', async () => {
  await handled().add(webhook('shared', '{"uuid": "a"}'), outcome);
  expect(await handled().outcomeOf(webhook('shared', '{"uuid": "a"}'))).toEqual(outcome);
  expect(await handled().outcomeOf(webhook('shared', '{"uuid": "b"}'))).toBeNull();
  // The border between id and body is part of the key.
  expect(await handled().outcomeOf(webhook('shared{', '"uuid": "a"}'))).toBeNull();
});

test.each([
  ['characters that a key may not hold', 'a/b\\c#d?e\tf%\u0080'],
  ['many characters', 'x'.repeat(20_000)],
  ['the name of something else', '__proto__'],
])('an id may have %s', async (_, id) => {
  await handled().add(webhook(id), outcome);
  expect(await handled().outcomeOf(webhook(id))).toEqual(outcome);
  expect(await handled().outcomeOf(webhook(`${id} `))).toBeNull();
});

test('handled twice at the same time, the first outcome stays', async () => {
  await handled().add(webhook('twice'), outcome);
  await handled().add(webhook('twice'), { outcome: 'ignored', message: 'Later.' });
  expect(await handled().outcomeOf(webhook('twice'))).toEqual(outcome);
});

test('after seven days they are forgotten, and not before', async () => {
  await handled().add(webhook('older'), outcome);
  now += 2 * day;
  await handled().add(webhook('newer'), outcome);
  now += 5 * day - 1_000;
  expect(await handled().forget()).toBe(0);
  expect(await handled().outcomeOf(webhook('older'))).toEqual(outcome);
  now += 2_000;
  expect(await handled().forget()).toBeGreaterThan(0);
  expect(await handled().outcomeOf(webhook('older'))).toBeNull();
  expect(await handled().outcomeOf(webhook('newer'))).toEqual(outcome);
});
