import { heldThumbprint } from '../../device/state.js';
import { isToRotate } from '../../fleet/rotate.js';
import { matchLetter } from '../deadLetters/list.js';
import type { LetterStatus } from '../deadLetters/schema.js';
import type { Entered } from '../deadLetters/snapshot.js';
import type { OpsTools } from '../dependencies.js';
import { letterFilter, parse, parseWhen, rotateFilter } from '../filter.js';
import type { Item } from './action.js';

/** The set of a plan, in its order. */
export interface Chosen {
  items: { item: Item; code: string | null; fleet: string | null }[];
  /** Left out, because they have failed again too often. */
  quarantined: number;
  /** In words, what else was left out. */
  note: string | null;
}

const taken: Record<'replay' | 'discard', LetterStatus[]> = {
  replay: ['failed', 'cancelled', 'no-record'],
  discard: ['failed', 'quarantined', 'cancelled', 'no-record', 'unreadable'],
};

/**
 * Which failed requests and letters a filter names, those that failed first at the front. What is quarantined is replayed only
 * by name.
 *
 * @throws Refused; ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function chooseLetters(
  tools: OpsTools,
  kind: 'replay' | 'discard',
  given: object,
): Promise<Chosen> {
  const filter = parse(letterFilter, given, 'filter');
  const matches = matchLetter(filter, tools.clock.now());
  const { letters } = await tools.letterBook.read(0);
  const found = letters.filter(matches);
  const byName = filter.uuid !== undefined || filter.sequenceNumber !== undefined;
  const wanted = byName ? [...taken[kind], 'quarantined'] : taken[kind];
  const outrun = kind === 'replay' ? outrunOf(letters) : new Set<Entered>();
  const chosen = found
    .filter((letter) => wanted.includes(letter.status) && !outrun.has(letter))
    .sort((a, b) => (a.failedAt < b.failedAt ? -1 : 1));
  return {
    items: chosen.map((letter) => ({ item: itemOf(letter), code: letter.code, fleet: letter.fleet })),
    quarantined: kind === 'replay' && !byName ? count(found, 'quarantined') : 0,
    note:
      kind === 'replay'
        ? noteOn(count(found, 'unreadable'), found.filter((letter) => outrun.has(letter)).length)
        : null,
  };
}

function itemOf({ status, uuid, requestId, n, sequenceNumber, operation, service }: Entered): Item {
  const item: Item = { uuid, requestId, n, sequenceNumber };
  if (status === 'no-record')
    item.asked = { operation: operation === 'deprovision' ? 'deprovision' : 'provision', service };
  return item;
}

function noteOn(unreadable: number, outrun: number): string | null {
  const notes: string[] = [];
  if (unreadable > 0)
    notes.push(
      `Dead letters that this version cannot read, and so cannot replay, are left out: ${unreadable}.`,
    );
  if (outrun > 0)
    notes.push(`Of the letters of a device without a record only the newest is taken. Left out: ${outrun}.`);
  return notes.length > 0 ? notes.join(' ') : null;
}

function count(letters: readonly Entered[], status: LetterStatus): number {
  return letters.filter((letter) => letter.status === status).length;
}

/**
 * Letters without a record that have a newer one of the same device beside them: the older of two requests must not win because
 * the record of both was lost. Whatever the filter: it may name the older alone.
 */
export function outrunOf(letters: readonly Entered[]): Set<Entered> {
  const newest = new Map<string, Entered>();
  const outrun = new Set<Entered>();
  for (const letter of letters) {
    if (letter.status !== 'no-record' || letter.uuid === null) continue;
    const other = newest.get(letter.uuid);
    const isNewer = !other || (letter.n ?? 0) > (other.n ?? 0);
    if (isNewer) newest.set(letter.uuid, letter);
    const older = isNewer ? other : letter;
    if (older) outrun.add(older);
  }
  return outrun;
}

/**
 * Whose certificates a filter names, the oldest first.
 *
 * @throws Refused; ProvisioningError `records-unavailable`
 */
export async function chooseToRotate(tools: OpsTools, given: object): Promise<Chosen> {
  const { uuid, mintedBefore, ...rest } = parse(rotateFilter, given, 'filter');
  const filter = {
    ...rest,
    ...(mintedBefore !== undefined && {
      mintedBefore: parseWhen('mintedBefore', mintedBefore, tools.clock.now()),
    }),
  };
  const { records } = await tools.recordBook.read(0);
  const chosen = [...records.values()]
    .filter((summary) => (uuid === undefined || summary.uuid === uuid) && isToRotate(summary, filter))
    .sort((a, b) => (a.notBefore ?? 0) - (b.notBefore ?? 0));
  return {
    items: chosen.map((summary) => {
      const { uuid, fleet } = summary;
      const thumbprint = heldThumbprint(summary);
      const item = { uuid, requestId: null, n: null, sequenceNumber: null };
      return { item: { ...item, ...(thumbprint !== null && { thumbprint }) }, code: null, fleet };
    }),
    quarantined: 0,
    note: null,
  };
}
