import type { DeviceRecord } from '../../src/device/record.js';
import { openRecords } from '../../src/device/repository.js';
import { newRecord } from '../../src/device/transitions.js';
import type { StatusRow } from '../../src/health/status.js';
import { openActions } from '../../src/ops/bulk/repository.js';
import { openLetterBook } from '../../src/ops/deadLetters/snapshot.js';
import type { OpsTools } from '../../src/ops/dependencies.js';
import { openRecordBook } from '../../src/ops/devices/snapshot.js';
import { openSamples, type StoredSample } from '../../src/ops/overview/samples.js';
import type { Depths } from '../../src/queue/administration.js';
import { type Discarded, openDiscardedLetters } from '../../src/queue/deadLetters.js';
import type { ActionMessage, ProvisioningMessage } from '../../src/queue/messages.js';
import { rememberSent } from '../../src/queue/publish.js';
import type { DeadLetter, Envelope, Queue } from '../../src/queue/queue.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { openTable } from '../../src/storage/table.js';
import { handClock } from './handClock.js';
import { newName, type useTables } from './useTables.js';

export const start = 1_800_000_000_000;
export const uuidOf = (n: number) => n.toString(16).padStart(32, '0');
export const requestId = '018f0000-0000-7000-8000-000000000000';

/** What ops work with: tables of their own, a queue that writes down what is sent, a clock that is moved by hand. */
export function opsTools({ connectionString }: Awaited<ReturnType<typeof useTables>>) {
  const clock = handClock(start);
  const table = <T>() => openTable<T>({ connection: { connectionString }, name: newName() });
  const records = openRecords(table<DeviceRecord>(), clock);
  const away = { queue: 0 };
  const sent: (ProvisioningMessage & Envelope)[] = [];
  const nudges: (ActionMessage & Envelope)[] = [];
  const letters: DeadLetter[] = [];
  const reach = () => {
    if (away.queue === 0) return;
    away.queue -= 1;
    throw new ProvisioningError('queue-unavailable', 'Away.', { retry: 'later', outcomeUnknown: true });
  };
  const queue: Queue = {
    async send(message, envelope) {
      reach();
      sent.push({ ...message, ...envelope });
    },
    async sendAction(message, envelope) {
      reach();
      nudges.push({ ...message, ...envelope });
    },
    async *deadLetters() {
      yield* letters;
    },
    removeDeadLetters: async () => 0,
    ping: async () => {},
    close: async () => {},
  };
  const depths = { value: null as Depths | null | Error };
  const status = { row: null as StatusRow | null };
  const circuit = {
    read: async () => ({ state: 'closed', since: 0, until: 0, failures: 0, probe: null, code: null }),
  } as unknown as OpsTools['circuits']['hub'];
  const tools: OpsTools = {
    records,
    queue,
    clock,
    sentRecently: rememberSent(clock),
    pace: { nextFree: async () => clock.now() } as OpsTools['pace'],
    circuits: { balena: circuit, hub: circuit },
    status: { read: async () => status.row } as OpsTools['status'],
    operationsPerMinute: 100,
    management: {
      async depths() {
        if (depths.value instanceof Error) throw depths.value;
        return depths.value;
      },
      properties: async () => null,
    },
    recordBook: openRecordBook({ records, clock }),
    letterBook: openLetterBook({ queue, records, clock }),
    discarded: openDiscardedLetters(table<Discarded>()),
    actions: openActions(table<unknown>()),
    samples: openSamples(table<StoredSample>()),
  };

  /** A record; by default one that failed for good of its service. */
  async function put(n: number, more: Partial<DeviceRecord> = {}): Promise<DeviceRecord> {
    const desired = { present: true, service: 'sensor', requestId, requestedAt: start };
    const record: DeviceRecord = {
      ...newRecord(uuidOf(n), desired, start),
      ticket: { n: 7, kind: 'change', due: start, dead: { at: start + n } },
      lastN: 7,
      error: { code: 'service-not-found', step: 'validate', message: 'No such service.', at: start },
      ...more,
    };
    await records.write(record, (await records.read(record.uuid))?.etag ?? null);
    return record;
  }

  return {
    tools,
    clock,
    sent,
    nudges,
    letters,
    away,
    depths,
    status,
    put,
    record: async (n: number) => (await records.read(uuidOf(n)))!.value,
    /** A worker has brought it to its end. */
    settle: (n: number, outcome: 'done' | 'failed') =>
      records.amend(uuidOf(n), (record) => {
        if (!record?.ticket) return null;
        if (outcome === 'failed') {
          record.ticket.dead = { at: clock.now() };
          record.error = {
            code: 'service-not-found',
            step: 'validate',
            message: 'Still none.',
            at: clock.now(),
          };
          return record;
        }
        const { thumbprint, hub } = { thumbprint: 'A'.repeat(64), hub: 'A'.repeat(64) };
        Object.assign(record.observed, { thumbprint, service: record.desired.service, hub: [hub, hub] });
        return Object.assign(record, {
          ticket: null,
          error: null,
          completedAt: clock.now(),
          places: ['sensor'],
        });
      }),
    letter: (body: unknown, sequenceNumber: string, more: Partial<DeadLetter> = {}) =>
      letters.push({ body, sequenceNumber, reason: '', description: '', enqueuedAt: start, ...more }),
  };
}
