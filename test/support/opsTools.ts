import type { DeviceRecord, HubState } from '../../src/device/record.js';
import { newRecord } from '../../src/device/transitionParts.js';
import type { StatusRow } from '../../src/health/status.js';
import { openActions } from '../../src/ops/bulk/repository.js';
import { openDeadLetterSnapshots } from '../../src/ops/deadLetters/snapshot.js';
import type { OpsDependencies } from '../../src/ops/dependencies.js';
import { openListedSnapshots } from '../../src/ops/devices/listed.js';
import { openDeviceSnapshots } from '../../src/ops/devices/snapshot.js';
import { openSamples, type StoredSample } from '../../src/ops/overview/samples.js';
import type { Depths } from '../../src/queue/administration.js';
import { type DiscardedDeadLetter, openDiscardedDeadLetters } from '../../src/queue/deadLetters.js';
import type { ProvisioningMessage, WakeUpMessage } from '../../src/queue/messages.js';
import { rememberSent } from '../../src/queue/publish.js';
import type { Envelope, PeekedDeadLetter, Queue } from '../../src/queue/queue.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { handClock } from './handClock.js';
import { openTestRecords } from './openTestRecords.js';
import { timerRunsIn } from './timerRunsIn.js';
import type { useTables } from './useTables.js';

export const start = 1_800_000_000_000;
export const uuidOf = (index: number) => index.toString(16).padStart(32, '0');
export const requestId = '018f0000-0000-7000-8000-000000000000';

/**
 * The dependencies of the operators' functions: new tables, a queue that records all messages, and a clock that the test moves.
 */
export function opsDependencies({
  newTable: table,
}: Pick<Awaited<ReturnType<typeof useTables>>, 'newTable'>) {
  const clock = handClock(start);
  const records = openTestRecords(table<DeviceRecord>(), clock);
  const away = { queue: 0 };
  const sent: (ProvisioningMessage & Envelope)[] = [];
  const nudges: (WakeUpMessage & Envelope)[] = [];
  const deadLetters: PeekedDeadLetter[] = [];
  const reach = () => {
    if (away.queue === 0) return;
    away.queue -= 1;
    throw new ProvisioningError('queue-unavailable', 'Away.', { outcomeUnknown: true });
  };
  const queue: Queue = {
    async send(message, envelope) {
      reach();
      sent.push({ ...message, ...envelope });
    },
    async sendWakeUp(message, envelope) {
      reach();
      nudges.push({ ...message, ...envelope });
    },
    async *deadLetters() {
      yield* deadLetters;
    },
    removeDeadLetters: async () => 0,
    ping: async () => {},
    close: async () => {},
  };
  const depths = { value: null as Depths | null | Error };
  /** The services of each fleet, and the devices without the service. */
  const balena = { services: new Map<string, string[]>(), lacking: new Map<string, string[]>() };
  const status = { row: null as StatusRow | null };
  const circuit = {
    read: async () => ({ state: 'closed', since: 0, until: 0, failures: 0, probe: null, code: null }),
  } as unknown as OpsDependencies['circuits']['hub'];
  const deps: OpsDependencies = {
    records,
    queue,
    clock,
    sentRecently: rememberSent(clock, 600_000),
    rateLimiter: {
      pausedUntil: async () => clock.now(),
      nextFree: async () => clock.now(),
    } as OpsDependencies['rateLimiter'],
    circuits: { balena: circuit, hub: circuit },
    status: { read: async () => status.row } as OpsDependencies['status'],
    operationsPerMinute: 100,
    caLife: null,
    lateCertificateMs: 3 * 86_400_000,
    isWorkerDisabled: false,
    management: {
      async depths() {
        if (depths.value instanceof Error) throw depths.value;
        return depths.value;
      },
      properties: async () => null,
    },
    deviceSnapshots: openDeviceSnapshots({ records, clock }),
    listedSnapshots: openListedSnapshots({ records, clock, lateCertificateMs: 3 * 86_400_000 }),
    deadLetterSnapshots: openDeadLetterSnapshots({ queue, records, clock }),
    discarded: openDiscardedDeadLetters(table<DiscardedDeadLetter>()),
    actions: openActions(table<unknown>()),
    samples: openSamples(table<StoredSample>()),
    timerRuns: timerRunsIn(clock),
    balena: {
      servicesOf: async (fleet) => balena.services.get(fleet) ?? null,
      listWithout: async (_service, fleet) => balena.lacking.get(fleet) ?? [],
    },
  };

  /** Stores a record; default: a device without the requested service, failed for good. */
  async function put(index: number, more: Partial<DeviceRecord> = {}): Promise<DeviceRecord> {
    const desired = { present: true, service: 'sensor', requestId, requestedAt: start };
    const record: DeviceRecord = {
      ...newRecord(uuidOf(index), desired, start),
      job: { generation: 7, due: start, dead: { at: start + index } },
      lastGeneration: 7,
      error: { code: 'service-not-found', step: 'validate', message: 'No such service.', at: start },
      ...more,
    };
    await records.write(record, (await records.read(record.uuid))?.etag ?? null);
    return record;
  }

  return {
    deps,
    clock,
    sent,
    nudges,
    deadLetters,
    away,
    depths,
    status,
    balena,
    put,
    record: async (index: number) => (await records.read(uuidOf(index)))!.value,
    /** Ends the job of a device, as a worker does. */
    settle: (index: number, outcome: 'done' | 'failed') =>
      records.amend(uuidOf(index), (record) => {
        if (!record?.job) return null;
        const at = clock.now();
        if (outcome === 'failed') {
          const error = { code: 'service-not-found', step: 'validate', message: 'Still none.', at } as const;
          return { ...record, job: { ...record.job, dead: { at } }, error };
        }
        const thumbprint = 'A'.repeat(64);
        const hub: HubState = [thumbprint, thumbprint];
        const { service } = record.desired;
        const observed = { ...record.observed, thumbprint, service, hub };
        return { ...record, observed, job: null, error: null, completedAt: at, scopes: [service ?? ''] };
      }),
    deadLetter: (body: unknown, sequenceNumber: string, more: Partial<PeekedDeadLetter> = {}) =>
      deadLetters.push({ body, sequenceNumber, reason: '', description: '', enqueuedAt: start, ...more }),
  };
}
