import type { DeviceRecord } from '../../../src/device/record.js';
import { summarize } from '../../../src/device/summary.js';
import { accept } from '../../../src/provisioning/accept.js';
import { putBack, putOff } from '../../../src/provisioning/putOff.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import { NewerMessage, parseMessage } from '../../../src/queue/messages.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { formatVersion } from '../../../src/storage/format.js';
import { collect } from '../../support/collect.js';
import { now, queued, uuid } from '../../support/records.js';
import { workerDependencies } from '../../support/workerTools.js';

const wakeUp = { v: 1 as const, action: '018f0000-0000-7000-8000-000000000001', generation: 4, due: 0 };

test('a copy is scheduled for one to two minutes later, with an id of its own', async () => {
  const { deps, message, delivery, sent } = workerDependencies(now);
  const original = message({ uuid });
  await putOff(deps, original, delivery());
  expect(sent).toMatchObject([{ ...original, due: now + 90_000 }]);
});

test('a wake-up message is put off, too', async () => {
  const { deps, delivery } = workerDependencies(now);
  const envelopes: unknown[] = [];
  deps.queue.sendWakeUp = async (body, envelope) => void envelopes.push([body, envelope]);
  await putOff(deps, wakeUp, delivery());
  const at = now + 90_000;
  expect(envelopes).toEqual([
    [
      { ...wakeUp, due: at },
      { messageId: `${wakeUp.action}.4~9`, at },
    ],
  ]);
});

test('a message of a newer version is put back with the same content', async () => {
  const { deps, delivery, sent } = workerDependencies(now);
  const newer = { v: 2, device: uuid, what: { is: 'unknown' } };
  expect(() => parseMessage(newer)).toThrow(NewerMessage);
  await putBack(deps, new NewerMessage(newer), delivery());
  expect(sent).toEqual([{ ...newer, messageId: 'newer~9', at: now + 90_000 }]);
});

test('a record of a newer version is left as it is, and its message comes back', async () => {
  const { deps, table, message, delivery, sent, calls, deadLetters } = workerDependencies(now);
  const key = { partition: uuid.slice(0, 2), row: uuid };
  const newer = { ...queued, format: formatVersion + 1 } as DeviceRecord;
  await table.put(key, newer, null, { pending: true, due: 0 });
  const { writes } = table;
  await processMessage(deps, message({ uuid }), delivery());
  await expect(accept(deps as never, { uuid, present: false })).rejects.toMatchObject({
    code: 'records-unavailable',
  });
  expect({ writes: table.writes, calls, deadLetters }).toEqual({ writes, calls: [], deadLetters: [] });
  expect(sent).toMatchObject([{ uuid, due: now + 10_000 }]);
});

test('a record of a newer version stays in its lists, and does not keep the other records of the lists', async () => {
  const { deps, table, put } = workerDependencies(now);
  const other = 'cd'.repeat(16);
  await put(queued);
  await put({ ...queued, uuid: other });
  const key = { partition: uuid.slice(0, 2), row: uuid };
  const { value, etag } = (await table.get(key))!;
  const newer = { ...value, format: formatVersion + 1 } as DeviceRecord;
  await table.put(key, newer, etag, { summary: JSON.stringify(summarize(value)) });
  const found = await collect(deps.records.listed('pending', now + 1));
  expect(found.map((row) => row.value.uuid)).toEqual([other]);
  expect(await deps.records.countListed('pending')).toBe(2);
  const summaries = await deps.records.listedSummaries('pending');
  expect(summaries.map((each) => each.uuid).sort()).toEqual([uuid, other]);
});

test('a queue that takes no copy costs a delivery only every few seconds', async () => {
  const { deps, message, delivery, clock } = workerDependencies(now);
  deps.queue.send = async () => {
    throw new ProvisioningError('queue-unavailable', 'Full.');
  };
  await expect(putOff(deps, message({ uuid }), delivery())).rejects.toThrow('Full.');
  expect(clock.now()).toBe(now + 5_000);
});
