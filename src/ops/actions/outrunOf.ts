import type { Entered } from '../letters/openLetterBook.js';

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
