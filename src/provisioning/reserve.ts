import type { DeviceRecord } from '../device/record.js';
import { accepts } from '../device/state.js';
import { missedMs, type Slot } from '../throttling/rateLimiter.js';
import type { Tools } from './dependencies.js';

/** A slot that has come, or none if none is needed; or the Unix ms at which to come again. */
export type SlotClaim = { kind: 'now'; slot: Slot | null } | { kind: 'later'; due: number; slot?: Slot };

/** Checks stand back when requests fill the pace: they reserve only what is free within a minute, and come again otherwise. */
const checkHorizonMs = 60_000;
const checkAgainMs = 300_000;

/** The registry slot for a device's work, waited for if it is near. */
export async function claimSlot(
  {
    pace,
    clock,
    settings,
    random,
  }: Pick<Tools, 'pace' | 'clock' | 'random'> & { settings: { renewAt: number } },
  record: DeviceRecord,
): Promise<SlotClaim> {
  const { ticket } = record;
  let slot = ticket?.slot ?? null;
  if (slot !== null && clock.now() - (await pace.due(slot)) > missedMs) slot = null;
  if (slot === null) {
    if (!expectsHubOperation(record, clock.now(), settings.renewAt)) return { kind: 'now', slot: null };
    if (ticket?.kind === 'check' && (await pace.nextFree()) - clock.now() > checkHorizonMs) {
      return { kind: 'later', due: clock.now() + Math.round(checkAgainMs * (1 + random())) };
    }
    slot = await pace.reserve();
  }
  const due = await pace.waitFor(slot);
  if (due !== null) return { kind: 'later', due, slot };
  pace.took(slot);
  return { kind: 'now', slot };
}

/**
 * Will the work need the hub's registry, as far as the record tells? Balena may tell otherwise: then the run reserves a slot
 * when it needs one.
 *
 * @param now Unix ms
 * @param renewAt the part of a certificate's life after which it is renewed
 */
export function expectsHubOperation(
  { desired, observed, ticket }: DeviceRecord,
  now: number,
  renewAt: number,
): boolean {
  const { thumbprint, hub, notBefore, notAfter } = observed;
  if (!desired.present || ticket?.distrust || thumbprint === null || !accepts(hub, thumbprint)) return true;
  if (thumbprint === desired.retire) return true;
  if (desired.revoke && desired.retire !== undefined && accepts(hub, desired.retire)) return true;
  return notBefore !== null && notAfter !== null && now >= notBefore + (notAfter - notBefore) * renewAt;
}
