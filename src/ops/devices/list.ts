import * as z from 'zod';
import type { Records } from '../../device/repository.js';
import { heldThumbprint, type State } from '../../device/state.js';
import { pendingDue, type Summary, summaryState } from '../../device/summary.js';
import { slug, state, step } from '../../shared/schemas.js';
import { type Clock, type EpochMs, iso, isoOrNull } from '../../shared/time.js';
import { refuseUnknownNames } from '../shared/knownNames.js';
import { pageCollector, pageQuery, readCursor } from '../shared/paging.js';
import { parse } from '../shared/request.js';
import type { IndexedDevice } from './DeviceIndex.js';
import type { RecordLine, RecordPage } from './schema.js';
import type { DeviceSnapshots } from './snapshot.js';

export const recordQuery = z.strictObject({
  state: state.optional(),
  lastCheck: z.enum(['failed']).optional().describe('only devices whose last check failed, or is failing'),
  code: z.string().max(100).optional(),
  step: step.optional(),
  fleet: slug.optional(),
  service: z.string().max(255).optional(),
  uuid: z
    .string()
    .toLowerCase()
    .regex(/^[0-9a-f]{1,62}$/, 'must be the beginning of a UUID: hexadecimal digits')
    .optional()
    .describe('the first digits of the UUID, or the whole UUID'),
  ...pageQuery,
});

export type RecordQuery = z.input<typeof recordQuery>;

const freshMs = 1_000;

/**
 * Lists the device records, sorted by the time of the last request. The index in memory chooses the devices of a page, and the page shows
 * their records as they are now.
 *
 * @throws RequestError `ops.bad-filter`, `ops.bad-cursor`, `ops.unknown-…`
 * @throws ProvisioningError `records-unavailable`
 */
export async function listRecords(
  deps: { deviceSnapshots: DeviceSnapshots; records: Records; clock: Clock },
  query: RecordQuery = {},
): Promise<RecordPage> {
  const { order, limit, cursor, ...filter } = parse(recordQuery, query, 'filter');
  const from = cursor === undefined ? null : readCursor(cursor);
  const { devices, asOf } = await deps.deviceSnapshots.read(freshMs);
  const now = deps.clock.now();
  const byState = new Map<State, number>();
  const page = pageCollector<IndexedDevice>({
    cursorOf: ({ requestedAt, uuid }) => [iso(requestedAt), uuid],
    timeOf: ({ requestedAt }) => requestedAt,
    ...{ order, limit, from },
  });
  let total = 0;
  for (const device of devices) {
    if (!matches(device, filter, now)) continue;
    const state = device.stateAt(now);
    byState.set(state, (byState.get(state) ?? 0) + 1);
    total += 1;
    page.add(device);
  }
  if (total === 0) refuseUnknownNames(filter, devices);
  const { items, next } = page.end();
  const summaries = await deps.records.summariesOf(items.map(({ uuid }) => uuid));
  const lines = new Map(summaries.map((summary) => [summary.uuid, lineOf(summary, now)]));
  return {
    records: items.flatMap(({ uuid }) => lines.get(uuid) ?? []),
    total,
    byState: Object.fromEntries([...byState].sort(([, a], [, b]) => b - a)),
    next,
    asOf: iso(asOf),
  };
}

type RecordFilter = Omit<z.output<typeof recordQuery>, 'order' | 'limit' | 'cursor'>;

function matches(device: IndexedDevice, filter: RecordFilter, now: EpochMs): boolean {
  const { uuid, state, lastCheck, code, step, fleet, service } = filter;
  const { present, refused } = device;
  // As in the line of the record.
  const shown = present.code === null && refused.job !== 'none' ? refused : present;
  return (
    (state === undefined || device.stateAt(now) === state) &&
    (lastCheck === undefined || device.checkFailed) &&
    (code === undefined || shown.code === code) &&
    (step === undefined || shown.step === step) &&
    (fleet === undefined || device.fleet === fleet) &&
    (service === undefined || device.service === service) &&
    (uuid === undefined || device.uuid.startsWith(uuid))
  );
}

/** Makes the line of a record. */
export function lineOf(summary: Summary, now: EpochMs): RecordLine {
  const { uuid, operation, service, key, fleet, attempts, replays, refusal } = summary;
  const { code, step, message } = summary.code === null && refusal ? refusal : summary;
  return {
    uuid,
    state: summaryState(summary, now),
    lastCheck: summary.checkFailed ? 'failed' : null,
    operation,
    service,
    key,
    fleet,
    code,
    step,
    message,
    refused: refusal !== null,
    attempts,
    replays,
    requestedAt: iso(summary.requestedAt),
    completedAt: isoOrNull(summary.completedAt),
    dueAt: isoOrNull(pendingDue(summary)),
    certificateExpiresAt: heldThumbprint(summary) === null ? null : isoOrNull(summary.notAfter),
  };
}
