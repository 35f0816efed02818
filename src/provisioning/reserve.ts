import type { DeviceRecord } from '../device/record.js';
import { hubAccepts } from '../device/state.js';
import { abandonedAfterMs, type Reservation } from '../throttling/rateLimiter.js';
import type { WorkerDependencies } from './dependencies.js';

/** A slot that has come, or none if none is needed; or the Unix ms at which to come again. */
export type ReserveResult =
  | { kind: 'now'; reservation: Reservation | null }
  | { kind: 'later'; due: number; reservation?: Reservation };

/** Checks stand back when requests fill the pace: they reserve only what is free within a minute, and come again otherwise. */
const checkHorizonMs = 60_000;
const checkAgainMs = 300_000;

/** The registry slot for a device's work, waited for if it is near. */
export async function reserve(
  {
    rateLimiter,
    clock,
    settings,
    random,
  }: Pick<WorkerDependencies, 'rateLimiter' | 'clock' | 'random'> & { settings: { renewAt: number } },
  record: DeviceRecord,
): Promise<ReserveResult> {
  const { job } = record;
  let reservation = job?.reservation ?? null;
  if (reservation !== null && clock.now() - (await rateLimiter.due(reservation)) > abandonedAfterMs)
    reservation = null;
  if (reservation === null) {
    if (!expectsHubOperation(record, clock.now(), settings.renewAt))
      return { kind: 'now', reservation: null };
    if (job?.kind === 'check' && (await rateLimiter.nextFree()) - clock.now() > checkHorizonMs) {
      return { kind: 'later', due: clock.now() + Math.round(checkAgainMs * (1 + random())) };
    }
    reservation = await rateLimiter.reserve();
  }
  const due = await rateLimiter.waitFor(reservation);
  if (due !== null) return { kind: 'later', due, reservation };
  rateLimiter.markUsed(reservation);
  return { kind: 'now', reservation };
}

/**
 * Will the work need the hub's registry, as far as the record tells? Balena may tell otherwise: then the run reserves a slot
 * when it needs one.
 *
 * @param now Unix ms
 * @param renewAt the part of a certificate's life after which it is renewed
 */
export function expectsHubOperation(
  { desired, observed, job }: DeviceRecord,
  now: number,
  renewAt: number,
): boolean {
  const { thumbprint, hub, notBefore, notAfter } = observed;
  if (!desired.present || job?.forceVerify || thumbprint === null || !hubAccepts(hub, thumbprint))
    return true;
  if (thumbprint === desired.retire) return true;
  if (desired.revoke && desired.retire !== undefined && hubAccepts(hub, desired.retire)) return true;
  return notBefore !== null && notAfter !== null && now >= notBefore + (notAfter - notBefore) * renewAt;
}
