import { heldThumbprint } from '../../device/state.js';
import { isToRotate } from '../../fleet/rotate.js';
import { matchDeadLetter } from '../deadLetters/list.js';
import type { DeadLetterStatus } from '../deadLetters/schema.js';
import type { DeadLetterEntry } from '../deadLetters/snapshot.js';
import type { OpsDependencies } from '../dependencies.js';
import { deadLetterFilter, parse, parseWhen, rotateFilter } from '../filter.js';
import type { Item } from './action.js';

/** The set of a plan, in its order. */
export interface Chosen {
  items: { item: Item; code: string | null; fleet: string | null }[];
  /** Left out, because they have failed again too often. */
  quarantined: number;
  /** In words, what else was left out. */
  note: string | null;
}

const taken: Record<'replay' | 'discard', DeadLetterStatus[]> = {
  replay: ['failed', 'cancelled', 'no-record'],
  discard: ['failed', 'quarantined', 'cancelled', 'no-record', 'unreadable'],
};

/**
 * Which failed requests and letters a filter names, those that failed first at the front. What is quarantined is replayed only
 * by name.
 *
 * @throws Refused; ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function chooseDeadLetters(
  deps: OpsDependencies,
  kind: 'replay' | 'discard',
  given: object,
): Promise<Chosen> {
  const filter = parse(deadLetterFilter, given, 'filter');
  const matches = matchDeadLetter(filter, deps.clock.now());
  const { deadLetters } = await deps.deadLetterBook.read(0);
  const found = deadLetters.filter(matches);
  const byName = filter.uuid !== undefined || filter.sequenceNumber !== undefined;
  const wanted = byName ? [...taken[kind], 'quarantined'] : taken[kind];
  const superseded = kind === 'replay' ? olderDuplicates(deadLetters) : new Set<DeadLetterEntry>();
  const chosen = found
    .filter((deadLetter) => wanted.includes(deadLetter.status) && !superseded.has(deadLetter))
    .sort((a, b) => (a.failedAt < b.failedAt ? -1 : 1));
  return {
    items: chosen.map((deadLetter) => ({
      item: itemOf(deadLetter),
      code: deadLetter.code,
      fleet: deadLetter.fleet,
    })),
    quarantined: kind === 'replay' && !byName ? count(found, 'quarantined') : 0,
    note:
      kind === 'replay'
        ? noteOn(count(found, 'unreadable'), found.filter((deadLetter) => superseded.has(deadLetter)).length)
        : null,
  };
}

function itemOf({
  status,
  uuid,
  requestId,
  generation,
  sequenceNumber,
  operation,
  service,
}: DeadLetterEntry): Item {
  const item: Item = { uuid, requestId, generation, sequenceNumber };
  if (status === 'no-record')
    item.requested = { operation: operation === 'deprovision' ? 'deprovision' : 'provision', service };
  return item;
}

function noteOn(unreadable: number, olderDuplicates: number): string | null {
  const notes: string[] = [];
  if (unreadable > 0)
    notes.push(
      `Dead letters that this version cannot read, and so cannot replay, are left out: ${unreadable}.`,
    );
  if (olderDuplicates > 0)
    notes.push(
      `Of the letters of a device without a record only the newest is taken. Left out: ${olderDuplicates}.`,
    );
  return notes.length > 0 ? notes.join(' ') : null;
}

function count(deadLetters: readonly DeadLetterEntry[], status: DeadLetterStatus): number {
  return deadLetters.filter((deadLetter) => deadLetter.status === status).length;
}

/**
 * Letters without a record that have a newer one of the same device beside them: the older of two requests must not win because
 * the record of both was lost. Whatever the filter: it may name the older alone.
 */
export function olderDuplicates(deadLetters: readonly DeadLetterEntry[]): Set<DeadLetterEntry> {
  const newest = new Map<string, DeadLetterEntry>();
  const olderDuplicates = new Set<DeadLetterEntry>();
  for (const deadLetter of deadLetters) {
    if (deadLetter.status !== 'no-record' || deadLetter.uuid === null) continue;
    const other = newest.get(deadLetter.uuid);
    const isNewer = !other || (deadLetter.generation ?? 0) > (other.generation ?? 0);
    if (isNewer) newest.set(deadLetter.uuid, deadLetter);
    const older = isNewer ? other : deadLetter;
    if (older) olderDuplicates.add(older);
  }
  return olderDuplicates;
}

/**
 * Whose certificates a filter names, the oldest first.
 *
 * @throws Refused; ProvisioningError `records-unavailable`
 */
export async function chooseToRotate(deps: OpsDependencies, given: object): Promise<Chosen> {
  const { uuid, mintedBefore, ...rest } = parse(rotateFilter, given, 'filter');
  const filter = {
    ...rest,
    ...(mintedBefore !== undefined && {
      mintedBefore: parseWhen('mintedBefore', mintedBefore, deps.clock.now()),
    }),
  };
  const { records } = await deps.recordBook.read(0);
  const chosen = [...records.values()]
    .filter((summary) => (uuid === undefined || summary.uuid === uuid) && isToRotate(summary, filter))
    .sort((a, b) => (a.notBefore ?? 0) - (b.notBefore ?? 0));
  return {
    items: chosen.map((summary) => {
      const { uuid, fleet } = summary;
      const thumbprint = heldThumbprint(summary);
      const item = { uuid, requestId: null, generation: null, sequenceNumber: null };
      return { item: { ...item, ...(thumbprint !== null && { thumbprint }) }, code: null, fleet };
    }),
    quarantined: 0,
    note: null,
  };
}
