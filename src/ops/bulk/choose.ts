import { heldThumbprint } from '../../device/state.js';
import type { Summary } from '../../device/summary.js';
import { thumbprintToRotate } from '../../fleet/rotate.js';
import { deadLetterFilter, matchDeadLetter } from '../deadLetters/filter.js';
import { refuseUnknownInDeadLetters } from '../deadLetters/list.js';
import type { DeadLetterStatus } from '../deadLetters/schema.js';
import type { DeadLetterEntry } from '../deadLetters/snapshot.js';
import { refuseUnknownNames } from '../shared/knownNames.js';
import { parse, parseWhen } from '../shared/request.js';
import type { Item } from './action.js';
import type { BulkDependencies } from './dependencies.js';
import { rotateFilter } from './filter.js';

/** The set of a plan, in order. */
export interface ChosenSet {
  items: { item: Item; code: string | null; fleet: string | null }[];
  /** Number of quarantined dead letters left out. */
  quarantined: number;
  /** A sentence about other dead letters that were left out; null if there are none. */
  note: string | null;
}

const freshMs = 2_000;

const statusesFor: Record<'replay' | 'discard', DeadLetterStatus[]> = {
  replay: ['failed', 'cancelled', 'no-record'],
  discard: ['failed', 'quarantined', 'cancelled', 'no-record', 'unreadable'],
};

/**
 * Chooses the dead letters of a replay or a discard, the oldest failure first. A replay takes a quarantined dead letter only if the
 * filter names the device or the message.
 *
 * @param isForService true for a replay with another service: a deprovisioning has no service, and is left out
 * @throws RequestError `ops.bad-filter`, `ops.unknown-…`
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function chooseDeadLetters(
  deps: Pick<BulkDependencies, 'deadLetterSnapshots' | 'deviceSnapshots' | 'clock'>,
  kind: 'replay' | 'discard',
  given: object,
  isForService = false,
): Promise<ChosenSet> {
  const filter = parse(deadLetterFilter, given, 'filter');
  const matches = matchDeadLetter(filter, deps.clock.now());
  const { deadLetters } = await deps.deadLetterSnapshots.read(0);
  const matching = deadLetters.filter(matches);
  if (matching.length === 0) await refuseUnknownInDeadLetters(deps, filter, deadLetters);
  const byName = filter.uuid !== undefined || filter.sequenceNumber !== undefined;
  const wanted = byName ? [...statusesFor[kind], 'quarantined'] : statusesFor[kind];
  const superseded = kind === 'replay' ? olderDuplicates(deadLetters) : new Set<DeadLetterEntry>();
  const replayable = matching.filter(
    (deadLetter) => wanted.includes(deadLetter.status) && !superseded.has(deadLetter),
  );
  const chosen = replayable
    .filter(({ operation }) => !isForService || operation !== 'deprovision')
    .sort((a, b) => (a.failedAt < b.failedAt ? -1 : 1));
  return {
    items: chosen.map((deadLetter) => ({
      item: itemOf(deadLetter),
      code: deadLetter.code,
      fleet: deadLetter.fleet,
    })),
    quarantined: kind === 'replay' && !byName ? count(matching, 'quarantined') : 0,
    note:
      kind === 'replay'
        ? noteLeftOut(
            count(matching, 'unreadable'),
            matching.filter((deadLetter) => superseded.has(deadLetter)).length,
            replayable.length - chosen.length,
          )
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
  retirement,
}: DeadLetterEntry): Item {
  const item: Item = { uuid, requestId, generation, sequenceNumber };
  if (status === 'no-record')
    item.lostRequest = {
      operation: operation === 'deprovision' ? 'deprovision' : 'provision',
      service,
      ...retirement,
    };
  return item;
}

function noteLeftOut(unreadable: number, olderDuplicates: number, deprovisionings: number): string | null {
  const notes: string[] = [];
  if (unreadable > 0)
    notes.push(
      `This version cannot read, and therefore cannot replay, some dead letters. Left out: ${unreadable}.`,
    );
  if (olderDuplicates > 0)
    notes.push(
      `For a device without a record only the newest dead letter is taken. Left out: ${olderDuplicates}.`,
    );
  if (deprovisionings > 0)
    notes.push(
      `A deprovisioning has no service, and is not part of this replay. Left out: ${deprovisionings}.`,
    );
  return notes.length > 0 ? notes.join(' ') : null;
}

function count(deadLetters: readonly DeadLetterEntry[], status: DeadLetterStatus): number {
  return deadLetters.filter((deadLetter) => deadLetter.status === status).length;
}

/**
 * Finds the dead letters without a record for which the same device has a newer dead letter. A replay of the older request must not
 * replace the newer request. The search ignores the filter, because a filter may select only the older dead letter.
 */
export function olderDuplicates(deadLetters: readonly DeadLetterEntry[]): Set<DeadLetterEntry> {
  const newest = new Map<string, DeadLetterEntry>();
  const duplicates = new Set<DeadLetterEntry>();
  for (const deadLetter of deadLetters) {
    if (deadLetter.status !== 'no-record' || deadLetter.uuid === null) continue;
    const other = newest.get(deadLetter.uuid);
    const isNewer = !other || (deadLetter.generation ?? 0) > (other.generation ?? 0);
    if (isNewer) newest.set(deadLetter.uuid, deadLetter);
    const older = isNewer ? other : deadLetter;
    if (older) duplicates.add(older);
  }
  return duplicates;
}

/**
 * Chooses the certificates of a rotation, the oldest first.
 *
 * @param revoke the rotation is a revocation, which includes the certificates of own keys
 * @throws RequestError `ops.bad-filter`, `ops.unknown-…`
 * @throws ProvisioningError `records-unavailable`
 */
export async function chooseToRotate(
  deps: Pick<BulkDependencies, 'records' | 'deviceSnapshots' | 'clock'>,
  given: object,
  revoke: boolean,
): Promise<ChosenSet> {
  const { uuid, mintedBefore, ...rest } = parse(rotateFilter, given, 'filter');
  const filter = {
    ...rest,
    revoke,
    ...(mintedBefore !== undefined && {
      mintedBefore: parseWhen('mintedBefore', mintedBefore, deps.clock.now()),
    }),
  };
  const chosen: { summary: Summary; thumbprint: string }[] = [];
  const among = uuid === undefined ? deps.records.summaries() : await deps.records.summariesOf([uuid]);
  for await (const summary of among) {
    const thumbprint = thumbprintToRotate(summary, filter);
    if (thumbprint !== null) chosen.push({ summary, thumbprint });
  }
  if (chosen.length === 0 && (filter.fleet !== undefined || filter.service !== undefined))
    refuseUnknownNames(filter, (await deps.deviceSnapshots.read(freshMs)).devices);
  chosen.sort((a, b) => (a.summary.notBefore ?? 0) - (b.summary.notBefore ?? 0));
  return {
    items: chosen.map(({ summary: { uuid, fleet }, thumbprint }) => ({
      item: { uuid, requestId: null, generation: null, sequenceNumber: null, thumbprint },
      code: null,
      fleet,
    })),
    quarantined: 0,
    note: revoke ? noteOnRevocation(chosen) : null,
  };
}

/** What a revocation does beside the replacement of issued certificates. */
function noteOnRevocation(chosen: { summary: Summary; thumbprint: string }[]): string | null {
  const ownKeys = chosen.filter(({ summary }) => summary.key === 'device').length;
  const before = chosen.filter(({ summary, thumbprint }) => thumbprint !== heldThumbprint(summary)).length;
  const notes: string[] = [];
  if (ownKeys > 0)
    notes.push(
      `The keys of devices with an own key are revoked, with all their certificates. Such a device is offline until it requests with a new key. Own keys: ${ownKeys}.`,
    );
  if (before > 0)
    notes.push(
      `Only the certificate before the present one is revoked where the present one is new enough. Such devices: ${before}.`,
    );
  return notes.length > 0 ? notes.join(' ') : null;
}
