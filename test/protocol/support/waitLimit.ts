import { pendingWork } from '../../../src/device/state.js';
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
/** The longest wait after a run meets an open circuit, or fails with the circuit open. */
const circuitMs = 5 * minutes;
/** The time for the work: deliveries, reservations some seconds away, and copies of messages. */
const workMs = 2 * minutes;

/**
 * The latest time for a pending job, after the end of the faults (true time, ms). A device waits for the due
 * time, the lease of a dead worker, an open circuit, and the timer's resend of a lost message.
 */
export function waitLimit({ world, recordOf, cloud, scenario, sick }: System, uuid: string): number {
  const { now } = world;
  const record = recordOf(uuid);
  const work = record && pendingWork(record);
  const latest = now + Math.max(longestBackOffMs, longestPutOffMs);
  const due = work ? Math.min(work.due, latest) : now;
  // The timer sends a lost message when the job is overdue by the duplicate window, and again when the delay has doubled. The
  // first message can still be dropped as a duplicate.
  const lostMs = 2 * Math.max(2 * queueProperties.duplicateWindowMs, now - due) + periodMs;
  const usual = Math.max(now, due + lostMs) + leaseMs + 2 * circuitMs + workMs;
  const isSick = sick !== null && uuids[sick.device] === uuid;
  if (!cloud.device(uuid).poison && !isSick) return usual;
  const backOffMs = isSick ? longestBackOffMs : 0;
  return usual + scenario.maxAttempts * (leaseMs + circuitMs + backOffMs);
}

/** Rejected credentials until the end: the job is tried again for ever. Every other fault of one device ends with a dead letter. */
export function exempt({ sick }: System): string | null {
  return sick?.forever && sick.how === 'unauthorized' ? (uuids[sick.device] ?? null) : null;
}
