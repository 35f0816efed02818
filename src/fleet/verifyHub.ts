import { isBeingHandled, type Summary, summarize } from '../device/summary.js';
import { requestCheck } from '../provisioning/check.js';
import { forEachConcurrently } from '../shared/async.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { EpochMs } from '../shared/time.js';
import { verifyAfterMs } from './listTimes.js';
import type { RenewDependencies } from './renew.js';

/** The options of a run. */
export interface VerifyOptions {
  /** The hub's limit of registry operations a minute. */
  operationsPerMinute: number;
  signal?: AbortSignal;
}

/** The result of a run. */
export interface VerifyReport {
  /** Devices whose identity no worker has read or written for a week. */
  due: number;
  /** Devices for which this run has scheduled a check. */
  checked: number;
}

const hours = 3_600_000;
/** The timer runs daily. */
const spreadMs = 24 * hours;
/** With one S1 unit 7,200 devices a day: 50,000 devices are all verified within a week, 100,000 within two. */
const part = 0.05;
const callsAtATime = 20;

/**
 * Schedules checks that ask the hub about the identities that were not read or written for a week. The checks take a twentieth of the rate
 * limit at most, spread over a day; the longest unseen device is first. A check whose turn is not near tries again later, so requests come
 * before.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the next run tries again
 */
export async function verifyHub(
  deps: RenewDependencies,
  { operationsPerMinute, signal }: VerifyOptions,
): Promise<VerifyReport> {
  const { records, clock } = deps;
  const now = clock.now();
  const due: Pick<Summary, 'uuid' | 'hubSeenAt'>[] = [];
  for await (const { value } of records.listed('care', now)) {
    const summary = summarize(value);
    if (isDue(summary, now)) due.push({ uuid: summary.uuid, hubSeenAt: summary.hubSeenAt });
  }
  due.sort((a, b) => a.hubSeenAt - b.hubSeenAt);
  const intervalMs = 60_000 / (operationsPerMinute * part);
  const chosen = due.slice(0, Math.floor(spreadMs / intervalMs));
  let checked = 0;
  const schedule = async ({ uuid }: { uuid: string }, i: number) => {
    const details = { forceVerify: true, due: now + i * intervalMs };
    await retryWithBackoff(clock, () => requestCheck(deps, uuid, details));
    checked += 1;
  };
  await forEachConcurrently(chosen, callsAtATime, schedule, signal);
  return { due: due.length, checked };
}

/** Only a device that should have an identity, and whose record says so, is verified. Pending work asks the hub if necessary. */
function isDue(summary: Summary, now: EpochMs): boolean {
  const { operation, outside, thumbprint, job, hubSeenAt } = summary;
  if (operation === 'deprovision' || outside || thumbprint === null || job) return false;
  return !isBeingHandled(summary, now) && now - hubSeenAt > verifyAfterMs;
}
