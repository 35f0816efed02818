import { adviceFor } from '../../shared/errorPolicy.js';
import type { Step } from '../../shared/errors.js';
import { type EpochMs, iso, isoOrNull } from '../../shared/time.js';
import type { DeadLetterEntry, DeadLetterSnapshots } from '../deadLetters/snapshot.js';
import type { IndexedDevice } from '../devices/DeviceIndex.js';
import type { ListedSnapshots } from '../devices/listed.js';
import { countBy } from '../shared/counting.js';
import { runbookSectionOf } from './runbook.js';
import type { FailureGroup, FailureGroups } from './schema.js';

const freshMs = 2_000;
const mostGroups = 200;
/** The names that a group shows. */
const mostServices = 5;

type Counted = Pick<IndexedDevice, 'fleet' | 'present' | 'refused' | 'checkFailed' | 'requestedAt'>;

/** A group while the failures are counted. */
interface Group
  extends Pick<FailureGroup, 'code' | 'step' | 'fleet' | 'failed' | 'retrying' | 'checksFailed'> {
  oldestRequest: EpochMs;
  deadLetters: DeadLetterEntry[];
}

/**
 * Groups all failures by cause, step and fleet: requests that failed for good, requests that are retried, and failed checks.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function groupFailures(deps: {
  listedSnapshots: ListedSnapshots;
  deadLetterSnapshots: DeadLetterSnapshots;
}): Promise<FailureGroups> {
  const [{ devices, asOf }, { deadLetters, incomplete }] = await Promise.all([
    deps.listedSnapshots.read(freshMs),
    deps.deadLetterSnapshots.read(freshMs),
  ]);
  const fleets = [...devices, ...deadLetters].flatMap(({ fleet }) => fleet ?? []);
  const groups = groupsOf(devices, deadLetters).map((group) => viewOf(group, fleets));
  groups.sort((a, b) => sizeOf(b) - sizeOf(a) || (a.since ?? '').localeCompare(b.since ?? ''));
  return { groups: groups.slice(0, mostGroups), total: groups.length, incomplete, asOf: iso(asOf) };
}

function groupsOf(devices: Iterable<Counted>, deadLetters: readonly DeadLetterEntry[]): Group[] {
  const groups = new Map<string, Group>();
  const groupOf = (code: string, step: Step | null, fleet: string | null): Group => {
    const key = JSON.stringify([code, step, fleet]);
    const found = groups.get(key) ?? {
      ...{ code, step, fleet, failed: 0, retrying: 0, checksFailed: 0 },
      oldestRequest: Number.POSITIVE_INFINITY,
      deadLetters: [],
    };
    groups.set(key, found);
    return found;
  };
  for (const device of devices) {
    const { present, refused, fleet } = device;
    for (const part of [present, refused]) {
      if (part.code === null || part.job === 'discarded') continue;
      const isCheck = part.job === 'none';
      if (isCheck && (part === refused || !device.checkFailed)) continue;
      const group = groupOf(part.code, part.step, fleet);
      group[isCheck ? 'checksFailed' : part.job === 'pending' ? 'retrying' : 'failed'] += 1;
      group.oldestRequest = Math.min(group.oldestRequest, device.requestedAt);
    }
  }
  for (const deadLetter of deadLetters) {
    if (deadLetter.status === 'discarded' || deadLetter.status === 'superseded') continue;
    groupOf(deadLetter.code, deadLetter.step, deadLetter.fleet).deadLetters.push(deadLetter);
  }
  return [...groups.values()];
}

/** @param fleets the fleets that exist, for an advice about an unknown fleet */
function viewOf({ oldestRequest, deadLetters, ...group }: Group, fleets: readonly string[]): FailureGroup {
  const times = deadLetters.map(({ failedAt }) => failedAt).sort();
  const oldest = Number.isFinite(oldestRequest) ? oldestRequest : null;
  const named = deadLetters.flatMap(({ service }) => service ?? []);
  return {
    ...group,
    // A dead letter without a record is a failure, too.
    failed: Math.max(group.failed, deadLetters.length),
    deadLetters: deadLetters.length,
    replayed: deadLetters.filter(({ replays }) => replays > 0).length,
    since: times[0] ?? isoOrNull(oldest),
    latest: times.at(-1) ?? null,
    message: deadLetters.at(-1)?.message ?? null,
    services: Object.keys(countBy(named, (service) => service)).slice(0, mostServices),
    advice: adviceFor(group.code, { fleet: group.fleet, fleets }),
    runbook: runbookSectionOf(group.code),
  };
}

function sizeOf({ failed, retrying, checksFailed }: FailureGroup): number {
  return failed + retrying + checksFailed;
}
