import * as z from 'zod';
import { heldThumbprint } from '../../device/state.js';
import { pendingDue, type Summary, summaryState } from '../../device/summary.js';
import { slug, state, step } from '../../shared/schemas.js';
import { type Clock, type EpochMs, iso, isoOrNull } from '../../shared/time.js';
import { countBy } from '../shared/counting.js';
import { pageOf, pageQuery, readCursor } from '../shared/paging.js';
import { parse } from '../shared/request.js';
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
 * Lists the device records, sorted by the time of the last request.
 *
 * @throws RequestError `ops.bad-filter`, `ops.bad-cursor`
 * @throws ProvisioningError `records-unavailable`
 */
export async function listRecords(
  deps: { deviceSnapshots: DeviceSnapshots; clock: Clock },
  query: RecordQuery = {},
): Promise<RecordPage> {
  const { order, limit, cursor, uuid, ...exact } = parse(recordQuery, query, 'filter');
  const from = cursor === undefined ? null : readCursor(cursor);
  const { records, asOf } = await deps.deviceSnapshots.read(freshMs);
  const now = deps.clock.now();
  const conditions = Object.entries(exact) as [keyof typeof exact, string][];
  const matches = (line: RecordLine) =>
    (uuid === undefined || line.uuid.startsWith(uuid)) &&
    conditions.every(([name, value]) => line[name] === value);
  const lines: RecordLine[] = [];
  for (const summary of records.values()) {
    const line = lineOf(summary, now);
    if (matches(line)) lines.push(line);
  }
  const { items, next } = pageOf(lines, {
    cursorOf: ({ requestedAt, uuid: key }) => [requestedAt, key],
    order,
    limit,
    from,
  });
  return {
    records: items,
    total: lines.length,
    byState: countBy(lines, (line) => line.state),
    next,
    asOf: iso(asOf),
  };
}

/** Makes the line of a record. */
export function lineOf(summary: Summary, now: EpochMs): RecordLine {
  const { uuid, operation, service, fleet, attempts, replays, refusal } = summary;
  const { code, step, message } = summary.code === null && refusal ? refusal : summary;
  return {
    uuid,
    state: summaryState(summary, now),
    lastCheck: summary.checkFailed ? 'failed' : null,
    operation,
    service,
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
