import { z } from 'zod';
import { heldThumbprint } from '../../device/state.js';
import { type Summary, summaryState } from '../../device/summary.js';
import { state, step } from '../../shared/schemas.js';
import { iso, isoOrNull } from '../../shared/time.js';
import { countBy } from '../counting.js';
import type { OpsDependencies } from '../dependencies.js';
import { parse } from '../filter.js';
import { pageOf, pageQuery, readCursor } from '../paging.js';
import type { RecordLine, RecordPage } from './schema.js';

export const recordQuery = z.strictObject({
  state: state.optional(),
  code: z.string().max(100).optional(),
  step: step.optional(),
  fleet: z.string().max(255).optional().describe("a fleet's slug"),
  service: z.string().max(255).optional(),
  uuid: z
    .string()
    .toLowerCase()
    .regex(/^[0-9a-f]{1,62}$/, 'must be the beginning of a UUID: hexadecimal digits')
    .optional()
    .describe('the beginning of the UUID, or all of it'),
  ...pageQuery,
});

export type RecordQuery = z.input<typeof recordQuery>;

const freshMs = 1_000;

/**
 * A page of the records, by when they were last asked for.
 *
 * @throws Refused; ProvisioningError `records-unavailable`
 */
export async function listRecords(deps: OpsDependencies, query: RecordQuery = {}): Promise<RecordPage> {
  const { order, limit, cursor, uuid, ...exact } = parse(recordQuery, query, 'filter');
  const from = cursor === undefined ? null : readCursor(cursor);
  const { records, asOf } = await deps.recordBook.read(freshMs);
  const now = deps.clock.now();
  const conditions = Object.entries(exact) as [keyof typeof exact, string][];
  const fits = (line: RecordLine) =>
    (uuid === undefined || line.uuid.startsWith(uuid)) &&
    conditions.every(([name, value]) => line[name] === value);
  const found: RecordLine[] = [];
  for (const summary of records.values()) {
    const line = lineOf(summary, now);
    if (fits(line)) found.push(line);
  }
  const { items, next } = pageOf(found, {
    cursorOf: ({ requestedAt, uuid: key }) => [requestedAt, key],
    order,
    limit,
    from,
  });
  return {
    records: items,
    total: found.length,
    byState: countBy(found, (line) => line.state),
    next,
    asOf: iso(asOf),
  };
}

/** @param now Unix ms */
export function lineOf(summary: Summary, now: number): RecordLine {
  const { uuid, operation, service, fleet, code, step, message, attempts, replays, job } = summary;
  return {
    uuid,
    state: summaryState(summary, now),
    operation,
    service,
    fleet,
    code,
    step,
    message,
    attempts,
    replays,
    requestedAt: iso(summary.requestedAt),
    completedAt: isoOrNull(summary.completedAt),
    dueAt: job && job.deadAt === null ? iso(job.due) : null,
    certificateExpiresAt: heldThumbprint(summary) === null ? null : isoOrNull(summary.notAfter),
  };
}
