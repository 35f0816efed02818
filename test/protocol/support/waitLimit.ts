import { isPending } from '../../../src/device/state.js';
import { queueProperties } from './createBroker.js';
import type { System } from './createSystem.js';
import { uuids } from './devices.js';
import { periodMs } from './startProcess.js';

const minutes = 60_000;
/** W + G. */
const leaseMs = 2 * minutes;
/** The longest own back-off of a device: an hour. */
const longestBackOffMs = 60 * minutes;
/** A check of a renewal is put off by no more in these histories. */
const longestPutOffMs = 15 * minutes;
/** A run that meets an open circuit comes again within this time; so does a run that fails with the circuit open. */
const circuitMs = 5 * minutes;
/** Runs for the work itself: deliveries, reservations that are some seconds away, and copies of messages. */
const workMs = 2 * minutes;

/**
 * By when a device must have no work left, counted from a moment without faults (true time, ms). A device waits for the longest
 * of: its due time, the lease of a dead worker, an open circuit, and the timer that sends a lost message again.
 */
export function waitLimit({ world, recordOf, cloud, scenario }: System, uuid: string): number {
  const { now } = world;
  const job = recordOf(uuid)?.job ?? null;
  const latest = now + Math.max(longestBackOffMs, longestPutOffMs);
  const due = isPending(job) ? Math.min(job.due, latest) : now;
  // The timer sends a lost message when the job is overdue by the duplicate window, and again when that has doubled. The first
  // of these can still be dropped as a duplicate.
  const lostMs = 2 * Math.max(2 * queueProperties.duplicateWindowMs, now - due) + periodMs;
  const usual = Math.max(now, due + lostMs) + leaseMs + 2 * circuitMs + workMs;
  if (!cloud.device(uuid).poison) return usual;
  return usual + scenario.maxAttempts * (leaseMs + circuitMs);
}

/** A device whose calls go on to fail: by design it is tried again for ever, or until it has failed for good. */
export function exempt({ sick }: System): string | null {
  return sick?.forever ? (uuids[sick.device] ?? null) : null;
}
