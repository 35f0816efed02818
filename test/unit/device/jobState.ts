import type { DeviceRecord } from '../../../src/device/record.js';
import { pendingWork } from '../../../src/device/state.js';
import type { EpochMs } from '../../../src/shared/time.js';

/** The states of the table and of the drawing in docs/protocol.md. */
export const jobStates = ['idle', 'pending', 'working', 'abandoned', 'dead', 'discarded'] as const;
export type JobState = (typeof jobStates)[number];

export function jobStateOf(record: DeviceRecord, now: EpochMs): JobState {
  const { job, lease } = record;
  if (!pendingWork(record)) {
    if (!job) return 'idle';
    return job.dead?.discarded ? 'discarded' : 'dead';
  }
  if (!lease) return 'pending';
  return lease.unresolved || lease.until <= now ? 'abandoned' : 'working';
}
