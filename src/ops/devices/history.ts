import type { DeviceRecord } from '../../device/record.js';
import { refusedPart } from '../../device/refusal.js';
import type { Records } from '../../device/repository.js';
import { hubAccepts, isUnknownDevice, pendingWork } from '../../device/state.js';
import { viewOf } from '../../device/view.js';
import { expectedAt } from '../../provisioning/expectedAt.js';
import { type Clock, iso, isoOrNull } from '../../shared/time.js';
import { areAllClosed, type Circuits } from '../../throttling/circuitBreaker.js';
import type { RateLimiter } from '../../throttling/rateLimiter.js';
import { RequestError } from '../shared/request.js';
import type { DeviceHistory } from './schema.js';
import { waitingOf } from './waiting.js';

/** Everything that the history uses. */
export interface HistoryDependencies {
  records: Records;
  rateLimiter: RateLimiter;
  circuits: Circuits;
  /** A setting switches the function `worker` off. */
  isWorkerDisabled: boolean;
  clock: Clock;
}

/**
 * Reads a device with the device's history. While all work is stopped, no end is expected.
 *
 * @throws RequestError `ops.no-such-device` (404) if the device has no record
 * @throws ProvisioningError `records-unavailable`
 */
export async function readHistory(deps: HistoryDependencies, uuid: string): Promise<DeviceHistory> {
  const stored = await deps.records.read(uuid);
  if (!stored)
    throw new RequestError(
      'ops.no-such-device',
      `No request was ever made for the device ${uuid}. Request credentials with: provisioner provision ${uuid}`,
      404,
    );
  const record = stored.value;
  const isStopped = deps.isWorkerDisabled || !(await areAllClosed(deps.circuits));
  const { job, observed, firstSeenAt, completedAt } = record;
  const dead = job?.dead ? record : refusedPart(record);
  const discarded = dead?.job?.dead?.discarded;
  const expected = await expectedAt(deps, record);
  const now = deps.clock.now();
  return {
    device: {
      ...viewOf(record, isStopped ? null : expected, now),
      fleet: observed.fleet,
      replays: (dead ?? record).replays,
      firstSeenAt: iso(firstSeenAt),
      completedAt: isoOrNull(completedAt),
      dueAt: isoOrNull(pendingWork(record)?.due ?? null),
      hub: hubOf(record),
      waiting: waitingOf(record, expected, now),
      // An unknown device has no dead letter, so there is nothing to replay. The next request tries again.
      replayable: dead !== null && !discarded && !isUnknownDevice(dead),
      discarded: discarded ? { at: iso(discarded.at), by: discarded.by, reason: discarded.reason } : null,
    },
    history: record.history.map(({ at, steps, ...event }) => ({
      at: iso(at),
      ...event,
      ...(steps && { steps: [...steps] }),
    })),
  };
}

function hubOf({ observed: { hub, thumbprint } }: DeviceRecord): DeviceHistory['device']['hub'] {
  if (!Array.isArray(hub)) return hub;
  return thumbprint !== null && hubAccepts(hub, thumbprint) ? 'accepts-certificate' : 'accepts-other';
}
