import type { DeviceRecord } from '../../src/device/record.js';
import type { AcceptDependencies } from '../../src/provisioning/accept.js';
import type { ProvisioningMessage } from '../../src/queue/messages.js';
import { rememberSent } from '../../src/queue/publish.js';
import type { Envelope, Queue } from '../../src/queue/queue.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { handClock } from './handClock.js';
import { memoryTable } from './memoryTable.js';
import { openTestRecords } from './openTestRecords.js';

/** The dependencies of accept and check, in memory. */
export function acceptDependencies(at: number) {
  const table = memoryTable<DeviceRecord>();
  const clock = handClock(at);
  const sent: (ProvisioningMessage & Envelope)[] = [];
  const queue: Queue & { fails: boolean } = {
    fails: false,
    async send(message, envelope) {
      if (queue.fails) throw new ProvisioningError('queue-unavailable', 'The queue cannot be reached.');
      sent.push({ ...message, ...envelope });
    },
    sendWakeUp: async () => {},
    async *deadLetters() {},
    removeDeadLetters: async () => 0,
    ping: async () => {},
    close: async () => {},
  };
  const records = openTestRecords(table, clock);
  const deps: AcceptDependencies = { records, queue, clock, sentRecently: rememberSent(clock, 600_000) };
  return {
    deps,
    table,
    clock,
    queue,
    sent,
    /** Stores a record before the call of accept under test. */
    async put(record: DeviceRecord) {
      const found = await records.read(record.uuid);
      await records.write(structuredClone(record), found?.etag ?? null);
      table.writes = 0;
      table.reads = 0;
    },
    record: async (uuid: string) => (await records.read(uuid))!.value,
  };
}
