import * as z from 'zod';
import type { IndexEntry } from '../../device/indexEntry.js';
import type { Records } from '../../device/repository.js';
import { count, next, slug, time } from '../../shared/schemas.js';
import { type Clock, iso } from '../../shared/time.js';
import { lineOf } from '../devices/list.js';
import { recordLine } from '../devices/schema.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import { countBy } from '../shared/counting.js';
import { refuseUnknownNames } from '../shared/knownNames.js';
import { pageCollector, pageQuery, readCursor } from '../shared/paging.js';
import { parse, RequestError } from '../shared/request.js';

export const expiringQuery = z.strictObject({
  within: z
    .string()
    .regex(/^\d{1,5}[hd]$/, 'must be hours or days from now, such as 12h or 30d')
    .default('30d')
    .describe('the longest time until the expiry: 12h, 30d. An expired certificate is always listed'),
  fleet: slug.optional(),
  limit: pageQuery.limit,
  cursor: pageQuery.cursor,
});

export type ExpiringQuery = z.input<typeof expiringQuery>;

export const expiringPage = z
  .object({
    records: z.array(recordLine).describe('the certificate that expires first is first'),
    total: count.describe('matches of the filter, on all pages'),
    expired: count.describe('certificates that are expired, on all pages'),
    byFleet: z.record(z.string(), count),
    next,
    asOf: time,
  })
  .meta({ id: 'ExpiringPage' });

export type ExpiringPage = z.infer<typeof expiringPage>;

const freshMs = 2_000;
const hourMs = 3_600_000;

/**
 * Lists the devices whose certificate expires soon, in the order of the expiry. A device that is to have no certificate is not listed.
 *
 * @throws RequestError `ops.bad-filter`, `ops.bad-cursor`, `ops.unknown-fleet`
 * @throws ProvisioningError `records-unavailable`
 */
export async function listExpiring(
  deps: { deviceSnapshots: DeviceSnapshots; records: Records; clock: Clock },
  query: ExpiringQuery = {},
): Promise<ExpiringPage> {
  const { within, fleet, limit, cursor } = parse(expiringQuery, query, 'filter');
  const from = cursor === undefined ? null : readCursor(cursor);
  const now = deps.clock.now();
  const until = now + untilOf(within);
  const listed = await deps.records.listedEntries('expiring', until + 1);
  const matching: IndexEntry[] = [];
  const page = pageCollector<IndexEntry>({
    cursorOf: ({ expiresAt, uuid }) => [iso(expiresAt), uuid],
    timeOf: ({ expiresAt }) => expiresAt,
    ...{ order: 'oldest', limit, from },
  });
  for (const device of listed) {
    if (device.expiresAt === 0 || device.expiresAt > until) continue;
    if (fleet !== undefined && device.fleet !== fleet) continue;
    matching.push(device);
    page.add(device);
  }
  if (matching.length === 0 && fleet !== undefined)
    refuseUnknownNames({ fleet }, (await deps.deviceSnapshots.read(freshMs)).devices);
  const { items, next: following } = page.end();
  const summaries = await deps.records.summariesOf(items.map(({ uuid }) => uuid));
  const lines = new Map(summaries.map((summary) => [summary.uuid, lineOf(summary, now)]));
  return {
    records: items.flatMap(({ uuid }) => lines.get(uuid) ?? []),
    total: matching.length,
    expired: matching.filter(({ expiresAt }) => expiresAt <= now).length,
    byFleet: countBy(matching, (device) => device.fleet ?? 'unknown'),
    next: following,
    asOf: iso(now),
  };
}

/** @returns ms */
function untilOf(within: string): number {
  const hours = Number.parseInt(within, 10) * (within.endsWith('d') ? 24 : 1);
  if (hours > 0) return hours * hourMs;
  throw new RequestError('ops.bad-filter', '"within" must be at least one hour, such as 12h or 30d.');
}
