import * as z from 'zod';
import { type Clock, iso } from '../../shared/time.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import { countBy } from '../shared/counting.js';
import { type NamesOfFilter, type NamesOfItem, refuseUnknownNames } from '../shared/knownNames.js';
import { pageOf, pageQuery, readCursor } from '../shared/paging.js';
import { parse } from '../shared/request.js';
import { deadLetterFilter, matchDeadLetter } from './filter.js';
import type { DeadLetter, DeadLetterPage } from './schema.js';
import type { DeadLetterEntry, DeadLetterSnapshots } from './snapshot.js';

export const deadLetterQuery = z.strictObject({ ...deadLetterFilter.shape, ...pageQuery });

export type DeadLetterQuery = z.input<typeof deadLetterQuery>;

const freshMs = 2_000;

/**
 * Lists the requests that failed for good, and the messages of the dead-letter queue, as one list. The list is at most a few seconds
 * old, or older if reading takes long; see `DeadLetterSnapshots`. Discarded dead letters are listed only for `status: 'discarded'`.
 *
 * @throws RequestError `ops.bad-filter`, `ops.bad-cursor`, `ops.unknown-…`
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function listDeadLetters(
  deps: { deadLetterSnapshots: DeadLetterSnapshots; deviceSnapshots: DeviceSnapshots; clock: Clock },
  query: DeadLetterQuery,
): Promise<DeadLetterPage> {
  const { order, limit, cursor, ...filter } = parse(deadLetterQuery, query, 'filter');
  const matches = matchDeadLetter(filter, deps.clock.now());
  const from = cursor === undefined ? null : readCursor(cursor);
  const { deadLetters, incomplete, asOf } = await deps.deadLetterSnapshots.read(freshMs);
  const matching = deadLetters.filter(
    (deadLetter) =>
      matches(deadLetter) && (deadLetter.status !== 'discarded' || filter.status === 'discarded'),
  );
  if (matching.length === 0) await refuseUnknownInDeadLetters(deps, filter, deadLetters);
  const cursorOf = (deadLetter: DeadLetter) =>
    [deadLetter.failedAt, `${deadLetter.uuid}.${deadLetter.sequenceNumber}`] satisfies [string, string];
  const { items, next } = pageOf(matching, { cursorOf, order, limit, from });
  return {
    deadLetters: items.map(withoutReplayParts),
    total: matching.length,
    byCode: countBy(matching, ({ code }) => code),
    byFleet: countBy(matching, ({ fleet }) => fleet ?? 'unknown'),
    byStatus: countBy(matching, ({ status }) => status),
    next,
    incomplete,
    asOf: iso(asOf),
  };
}

/**
 * Refuses a filter of dead letters that matches nothing because of an unknown name.
 *
 * @throws RequestError `ops.unknown-…`
 * @throws ProvisioningError `records-unavailable`
 */
export async function refuseUnknownInDeadLetters(
  { deviceSnapshots }: { deviceSnapshots: DeviceSnapshots },
  filter: NamesOfFilter,
  deadLetters: readonly DeadLetterEntry[],
): Promise<void> {
  const { code, fleet, service } = filter;
  if (code === undefined && fleet === undefined && service === undefined) return;
  const { devices } = await deviceSnapshots.read(freshMs);
  refuseUnknownNames(
    filter,
    eachOf(devices, deadLetters),
    deadLetters.map((deadLetter) => deadLetter.code),
  );
}

function* eachOf(...all: Iterable<NamesOfItem>[]): Generator<NamesOfItem> {
  for (const items of all) yield* items;
}

function withoutReplayParts({ generation, retirement, ...deadLetter }: DeadLetterEntry): DeadLetter {
  return deadLetter;
}
