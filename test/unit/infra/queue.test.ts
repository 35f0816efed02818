import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { queueProperties } from '../../../local/simulators/servicebus/engine/QueueProperties.js';
import { parseQueue } from '../../../local/simulators/servicebus/parseQueue.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { queueArgument } from '../../../local/stack/simulators.js';
import { readConfig } from '../../../src/config/config.js';
import { resourceOf } from './support/snapshots.js';

const queue = resourceOf('defaults', 'Microsoft.ServiceBus/namespaces/queues');
const config = readConfig({
  BALENA_API_KEY: 'key',
  IOTHUB_HOST_NAME: 'hub.azure-devices.net',
  SERVICEBUS_CONNECTION__fullyQualifiedNamespace: 'bus.servicebus.windows.net',
  RECORDS_CONNECTION__accountName: 'account',
});
const seconds = (ms: number) => `PT${ms / 1_000}S`;

test('the queue has the name that the functions look for', () => {
  expect(queue.name.split('/').at(-1)).toBe(config.queue.queue);
});

test('its lock lasts as long as work and grace together, and its window is the one that the code counts on', () => {
  expect(queue.properties).toMatchObject({
    lockDuration: seconds(config.workLimitMs + config.leaseGraceMs),
    requiresDuplicateDetection: true,
    duplicateDetectionHistoryTimeWindow: seconds(config.duplicateWindowMs),
    maxDeliveryCount: 10,
    requiresSession: false,
  });
});

test('no message of it is dropped because of its age: the longest time to live that there is, and dead-lettered after that', () => {
  expect(queue.properties).toMatchObject({
    defaultMessageTimeToLive: 'P10675199DT2H48M5.4775807S',
    deadLetteringOnMessageExpiration: true,
  });
  expect(queue.properties).not.toHaveProperty('autoDeleteOnIdle');
});

test('the local broker has the same queue', () => {
  const local = queueProperties(parseQueue(queueArgument()));
  expect(queue.properties).toMatchObject({
    lockDuration: seconds(local.lockDurationMs),
    duplicateDetectionHistoryTimeWindow: seconds(local.duplicateWindowMs!),
    maxDeliveryCount: local.maxDeliveryCount,
    deadLetteringOnMessageExpiration: local.deadLetterOnExpiry,
  });
  expect(local.timeToLiveMs).toBeUndefined();
});

test('docs/settings.md and the protocol say the same', async () => {
  const [settings, protocol] = await Promise.all(
    ['docs/settings.md', 'docs/protocol.md'].map((path) => readFile(join(projectFolder(), path), 'utf8')),
  );
  const minutes = (value: unknown) => Number(/^PT(\d+)S$/.exec(String(value))?.[1]) / 60;
  const { duplicateDetectionHistoryTimeWindow: window, lockDuration, maxDeliveryCount } = queue.properties;
  expect(settings).toContain(
    `duplicate detection ${minutes(window)} min, lock ${minutes(lockDuration)} min, max delivery count ${maxDeliveryCount}`,
  );
  expect(protocol).toContain(`duplicate window ${minutes(window)} min, MaxDeliveryCount ${maxDeliveryCount}`);
});

test('the namespace takes no keys, and is of a tier that has duplicate detection', () => {
  const namespace = resourceOf('defaults', 'Microsoft.ServiceBus/namespaces');
  expect(namespace.properties).toMatchObject({ disableLocalAuth: true, minimumTlsVersion: '1.2' });
  expect(namespace.sku).toEqual({ name: 'Standard', tier: 'Standard' });
});

test('a run ends long before the host would end the whole worker because of it', async () => {
  const { functionTimeout } = JSON.parse(await readFile(join(projectFolder(), 'host.json'), 'utf8'));
  const [hours = 0, minutes = 0, left = 0] = functionTimeout.split(':').map(Number);
  const timeoutMs = ((hours * 60 + minutes) * 60 + left) * 1_000;
  expect(timeoutMs).toBeGreaterThanOrEqual(2 * (config.workLimitMs + config.leaseGraceMs));
});
