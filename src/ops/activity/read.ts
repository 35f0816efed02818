import { type Clock, type EpochMs, iso } from '../../shared/time.js';
import { isBulk, type StoredAction } from '../bulk/action.js';
import type { Actions } from '../bulk/repository.js';
import type { DeadLetterEntry, DeadLetterSnapshots } from '../deadLetters/snapshot.js';
import type { IndexedDevice } from '../devices/DeviceIndex.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import type { Activity, ActivityEvent } from './schema.js';

const freshMs = 1_000;
const windowMinutes = 15;
const mostEvents = 100;

/** An event with its time as a number. `view` makes the event, if the event is among the newest. */
interface Candidate {
  at: EpochMs;
  view(): ActivityEvent;
}

/**
 * Reads what has happened in the last minutes: requests, finished and failed devices, and bulk actions. The source is the same as for the
 * lists, so the reading costs no further request for each device.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`
 */
export async function readActivity(deps: {
  deviceSnapshots: DeviceSnapshots;
  deadLetterSnapshots: DeadLetterSnapshots;
  actions: Actions;
  clock: Clock;
}): Promise<Activity> {
  const [{ devices, asOf }, { deadLetters }, actions] = await Promise.all([
    deps.deviceSnapshots.read(freshMs),
    deps.deadLetterSnapshots.read(freshMs),
    deps.actions.list(),
  ]);
  const since = deps.clock.now() - windowMinutes * 60_000;
  const newest = newestOf(mostEvents + 1);
  for (const device of devices) for (const each of ofDevice(device)) if (each.at >= since) newest.add(each);
  for (const each of deadLetters.map(ofDeadLetter)) if (each.at >= since) newest.add(each);
  // A single request is among the requests of the devices already.
  for (const each of actions.filter(isBulk).flatMap(ofAction)) if (each.at >= since) newest.add(each);
  const found = newest.end();
  return {
    events: found.slice(0, mostEvents).map((each) => each.view()),
    minutes: windowMinutes,
    more: found.length > mostEvents,
    asOf: iso(asOf),
  };
}

/** Keeps the newest candidates. Only a few times the wanted number is in memory. */
function newestOf(most: number) {
  let kept: Candidate[] = [];
  const shorten = () => {
    kept = kept.sort((a, b) => b.at - a.at).slice(0, most);
  };
  return {
    add(candidate: Candidate): void {
      if (kept.push(candidate) > 4 * most) shorten();
    },
    end(): Candidate[] {
      shorten();
      return kept;
    },
  };
}

const noDevice = { uuid: null, action: null, fleet: null, service: null, code: null, step: null };

function* ofDevice(device: IndexedDevice): Generator<Candidate> {
  const { requestedAt, completedAt } = device;
  const event = (at: EpochMs, type: ActivityEvent['type'], text: string): Candidate => ({
    at,
    view() {
      const { uuid, fleet, service } = device;
      return { ...noDevice, at: iso(at), type, uuid, fleet, service, text };
    },
  });
  const isRemoval = device.operation === 'deprovision';
  yield event(requestedAt, 'requested', isRemoval ? 'deprovisioning requested' : 'credentials requested');
  if (completedAt > 0)
    yield isRemoval
      ? event(completedAt, 'deprovisioned', 'identity and variables removed')
      : event(completedAt, 'provisioned', 'registered and stored');
}

function ofDeadLetter(deadLetter: DeadLetterEntry): Candidate {
  const { uuid, fleet, service, code, step, message, failedAt } = deadLetter;
  return {
    at: Date.parse(failedAt),
    view: () => ({
      ...noDevice,
      ...{ at: failedAt, type: 'failed', uuid, fleet, service, code, step, text: message ?? code },
    }),
  };
}

function ofAction({ id, kind, planned, startedAt, startedBy, endedAt, state }: StoredAction): Candidate[] {
  const event = (at: EpochMs | null, type: ActivityEvent['type'], text: string): Candidate[] =>
    at === null ? [] : [{ at, view: () => ({ ...noDevice, at: iso(at), type, action: id, text }) }];
  return [
    ...event(startedAt, 'action-started', `${kind} of ${planned} started by ${startedBy}`),
    ...(startedAt === null ? [] : event(endedAt, 'action-ended', `${kind} of ${planned} is ${state}`)),
  ];
}
