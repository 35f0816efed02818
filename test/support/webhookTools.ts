import type { DeviceRecord } from '../../src/device/record.js';
import type { AcceptDependencies } from '../../src/provisioning/accept.js';
import type { ProvisioningMessage } from '../../src/queue/messages.js';
import { rememberSent } from '../../src/queue/publish.js';
import type { Envelope } from '../../src/queue/queue.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { handClock } from './handClock.js';
import { memoryTable } from './memoryTable.js';
import { openTestRecords } from './openTestRecords.js';

/** The dependencies of a request, in memory, with a clock for the test to move. */
export function memoryDependencies() {
  const clock = handClock(1_800_000_000_000);
  const away = { queue: false };
  const sent: { message: ProvisioningMessage; envelope: Envelope }[] = [];
  const table = memoryTable<DeviceRecord>();
  const queue: AcceptDependencies['queue'] = {
    async send(message, envelope) {
      if (away.queue) throw new ProvisioningError('queue-unavailable', 'Away.');
      sent.push({ message, envelope });
    },
    sendWakeUp: async () => {},
    async *deadLetters() {},
    removeDeadLetters: async () => 0,
    ping: async () => {},
    close: async () => {},
  };
  const records = openTestRecords(table, clock);
  return {
    deps: { records, queue, clock, sentRecently: rememberSent(clock, 600_000) },
    sent,
    table,
    /** `away.queue = true`: the queue cannot be reached. */
    away,
    clock,
    /** Completes the pending job of a device, as a worker does. */
    async settle(uuid: string, observed: Partial<DeviceRecord['observed']> = {}) {
      await records.amend(uuid, (record) => {
        if (!record) return null;
        return { ...record, job: null, observed: { ...record.observed, ...observed, verifiedAt: clock.at } };
      });
    },
  };
}
