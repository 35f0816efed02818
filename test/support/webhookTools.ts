import type { DeviceRecord } from '../../src/device/record.js';
import { openRecords } from '../../src/device/repository.js';
import type { AcceptDependencies } from '../../src/provisioning/accept.js';
import type { ProvisioningMessage } from '../../src/queue/messages.js';
import { rememberSent } from '../../src/queue/publish.js';
import type { Envelope } from '../../src/queue/queue.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import type { ErasableTable, Key, ScannedTable } from '../../src/storage/table.js';

/** What a request works with, in memory, with a clock that only tests move. */
export function memoryDependencies() {
  let now = 1_800_000_000_000;
  const away = { records: false, queue: false };
  const clock = { now: () => now, sleep: async () => {} };
  const sent: { message: ProvisioningMessage; envelope: Envelope }[] = [];
  const table = memoryTable<DeviceRecord>(() => away.records);
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
  const records = openRecords(table, clock);
  return {
    deps: { records, queue, clock, sentRecently: rememberSent(clock) },
    sent,
    /** What cannot be reached. */
    away,
    pass: (ms: number) => {
      now += ms;
    },
    /** Ends what is owed, as a worker does. */
    async settle(uuid: string, observed: Partial<DeviceRecord['observed']> = {}) {
      await records.amend(uuid, (record) => {
        if (!record) return null;
        return { ...record, job: null, observed: { ...record.observed, ...observed, verifiedAt: now } };
      });
    },
  };
}

export function memoryTable<T>(away = () => false): ErasableTable<T> & ScannedTable<T> {
  const rows = new Map<string, { json: string; etag: number }>();
  let etags = 0;
  const id = ({ partition, row }: Key) => `${partition}/${row}`;
  const reach = () => {
    if (away()) throw new ProvisioningError('records-unavailable', 'Away.');
  };
  return {
    async get(key) {
      reach();
      const row = rows.get(id(key));
      return row ? { value: JSON.parse(row.json) as T, etag: String(row.etag) } : null;
    },
    async put(key, value, etag) {
      reach();
      const stored = rows.get(id(key));
      if ((stored ? String(stored.etag) : null) !== etag) return false;
      etags += 1;
      rows.set(id(key), { json: JSON.stringify(value), etag: etags });
      return true;
    },
    async *list() {
      for (const { json } of rows.values()) yield JSON.parse(json) as T;
    },
    column: () => {
      throw new Error('not scanned here');
    },
    async remove(key) {
      rows.delete(id(key));
    },
  };
}
