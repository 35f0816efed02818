import type { App } from './openApp.js';
import { cleanUpActions } from './ops/bulk/cleanUp.js';
import { resendLostWakeUps } from './ops/bulk/wakeUp.js';
import { redrive } from './provisioning/redrive.js';
import { removeRecords } from './provisioning/removeRecords.js';
import { runAllInSequence } from './shared/async.js';

/** The deadline of a run: below the period of five minutes, and well below `functionTimeout` (ten minutes). */
export const mostRedriveMs = 3 * 60_000;

/**
 * Runs the redrive with everything that belongs to it: the lost messages of bulk actions and of jobs, and the removal of old rows.
 *
 * @param signal ends the run at the next message
 * @throws the first error, after all parts have run
 */
export function redriveAll(opened: App, signal: AbortSignal, log: (line: string) => void): Promise<void> {
  return runAllInSequence(
    () => resendLostWakeUps(opened),
    async () => {
      const { sent, cleaned } = await redrive(opened, signal);
      if (sent > 0 || cleaned > 0)
        log(`sent ${sent} overdue messages, removed ${cleaned} superseded or discarded dead letters`);
    },
    async () => {
      const removed = await removeRecords(opened, signal);
      if (removed > 0) log(`removed ${removed} records of unknown or deprovisioned devices`);
    },
    () => cleanUpActions(opened),
    () => opened.handledWebhooks.forget(),
    () => opened.checkCa(),
  );
}
