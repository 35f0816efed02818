import type { QueueManagement } from '../queue/administration.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { StatusRow } from './status.js';

/** Everything that the line about the worker uses. */
export interface WorkerHealthDependencies {
  management: QueueManagement;
  /** The samples that a timer stores every minute. */
  samples: { since(at: EpochMs): Promise<{ at: EpochMs; depths: { active: number } }[]> };
  clock: Clock;
  /** A setting switches the function `worker` off. */
  isWorkerDisabled: boolean;
}

/** Whether a worker takes messages. */
interface WorkerHealth {
  name: 'worker';
  ok: boolean;
  detail: string;
}

const lookBackMs = 130_000;
/** A single slow message is no reason for an alarm. Workers report at most ten seconds after a message. */
const patienceMs = 30_000;

/**
 * Finds out whether a worker takes the messages. The worker runs on other instances, so its own reports and the depth of the queue
 * tell: messages waited at the last sample, messages wait now, and no worker has reported between.
 *
 * @param row the last report of the workers; null if there was none
 */
export async function workerLine(
  deps: WorkerHealthDependencies,
  row: StatusRow | null,
): Promise<WorkerHealth> {
  const { management, samples, clock, isWorkerDisabled } = deps;
  const name = 'worker' as const;
  const now = clock.now();
  const [depths, stored] = await Promise.all([
    management.depths().catch(() => null),
    samples.since(now - lookBackMs).catch(() => []),
  ]);
  const waiting = depths?.active ?? null;
  const count = waiting === null ? '' : `; waiting messages: ${waiting}`;
  if (isWorkerDisabled) {
    const detail = `switched off by the setting AzureWebJobs.worker.Disabled${count}. No device is provisioned until the setting is removed`;
    return { name, ok: false, detail };
  }
  const sample = stored.findLast(({ at }) => at <= now - patienceMs);
  const tookAt = row?.at ?? 0;
  if (!sample || sample.depths.active === 0 || waiting === 0 || tookAt >= sample.at)
    return {
      name,
      ok: true,
      detail: waiting === null ? 'takes messages' : `takes messages; waiting: ${waiting}`,
    };
  const last =
    tookAt === 0
      ? 'no worker has ever taken one'
      : `no worker has taken one for ${Math.round((now - tookAt) / 1_000)} s`;
  return {
    name,
    ok: false,
    detail: `messages wait, and ${last}: does the function worker run (docs/runbook.md, "messages-waiting")?${count}`,
  };
}
