import type { QueueManagement } from '../queue/administration.js';
import type { Clock, EpochMs } from '../shared/time.js';
import type { StatusRow } from './status.js';

/** Everything that the facts about the worker need. */
export interface WorkerHealthDependencies {
  management: QueueManagement;
  /** The samples that a timer stores every minute. */
  samples: { since(at: EpochMs): Promise<{ at: EpochMs; depths: { active: number } }[]> };
  clock: Clock;
  /** A setting switches the function `worker` off. */
  isWorkerDisabled: boolean;
}

/** Whether a worker takes messages. */
export interface WorkerFacts {
  isDisabled: boolean;
  /** The due messages; null if they cannot be counted. */
  waiting: number | null;
  /** The due and the scheduled messages; null if they cannot be counted. */
  messages: number | null;
  /** Messages wait, and no worker has taken one since then. 0: no worker has ever taken one. Null: workers take messages. */
  silentSince: EpochMs | null;
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
export async function readWorkerFacts(
  { management, samples, clock, isWorkerDisabled: isDisabled }: WorkerHealthDependencies,
  row: StatusRow | null,
): Promise<WorkerFacts> {
  const now = clock.now();
  const [depths, stored] = await Promise.all([
    management.depths().catch(() => null),
    samples.since(now - lookBackMs).catch(() => []),
  ]);
  const waiting = depths?.active ?? null;
  const messages = depths && depths.active + depths.scheduled;
  const sample = stored.findLast(({ at }) => at <= now - patienceMs);
  const tookAt = row?.at ?? 0;
  const isSilent = sample && sample.depths.active > 0 && waiting !== 0 && tookAt < sample.at;
  return { isDisabled, waiting, messages, silentSince: isSilent ? tookAt : null };
}

/** The line about the worker. */
export function workerLine({ isDisabled, waiting, silentSince }: WorkerFacts, now: EpochMs) {
  const name = 'worker' as const;
  const count = waiting === null ? '' : `; waiting messages: ${waiting}`;
  if (isDisabled) {
    const detail = `switched off by the setting AzureWebJobs.worker.Disabled${count}. No device is provisioned until the setting is removed`;
    return { name, ok: false, detail };
  }
  if (silentSince === null) {
    const detail = waiting === null ? 'takes messages' : `takes messages; waiting: ${waiting}`;
    return { name, ok: true, detail };
  }
  const last =
    silentSince === 0
      ? 'no worker has ever taken one'
      : `no worker has taken one for ${Math.round((now - silentSince) / 1_000)} s`;
  return {
    name,
    ok: false,
    detail: `messages wait, and ${last}: does the function worker run (docs/runbook.md, "messages-waiting")?${count}`,
  };
}
