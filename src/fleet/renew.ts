import { type CertificateCounts, expiryClassOf, noCertificates } from '../certificates/expiry.js';
import { isRenewalLate, type RenewalShare, renewalShare, renewalTime } from '../certificates/renewal.js';
import type { Records } from '../device/repository.js';
import { isHalfStored } from '../device/state.js';
import { expiryOf, pendingDue, type Summary, summarize } from '../device/summary.js';
import { requestCheck } from '../provisioning/check.js';
import type { Queue } from '../queue/queue.js';
import { forEachConcurrently } from '../shared/async.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { productMetrics } from '../telemetry/metrics.js';

/** Everything that a renewal uses. */
export interface RenewDependencies {
  records: Records;
  queue: Queue;
  clock: Clock;
}

/** The options of a run. */
export interface RenewOptions {
  /** The fraction of a certificate's lifetime after which the certificate is renewed, from 0 to 1. */
  renewAt: number;
  /** The hub's limit of registry operations a minute. */
  operationsPerMinute: number;
  signal?: AbortSignal;
  /** Called after counting and before the renewals: a failed renewal must not hide the number of expiring certificates. */
  onCertificates?(counts: CertificateCounts): void;
}

/** The result of a run. */
export interface RenewReport {
  /** Certificates that are due for renewal. */
  due: number;
  /** Devices for which this run has scheduled a check. */
  checked: number;
  /** Due certificates left to the next run, because the renewals' share of the rate limiter is full. */
  left: number;
  /** Due certificates of devices whose request an operator has cancelled or discarded. A check would not renew them. */
  failed: number;
  /** Due certificates of own keys. Only the devices themselves can replace these. */
  ownKeys: number;
  /** The share of the rate limiter used by renewals. */
  share: RenewalShare;
  /** The due certificates by the time of expiry. */
  certificates: CertificateCounts;
}

const callsAtATime = 20;

/**
 * Schedules a check for each device with a due certificate. The check replaces the certificate, and the hub accepts the old certificate
 * until the next renewal. The checks are spread over the renewals' share of the rate limiter. The first certificates to expire are first.
 * A failed renewal is due again at the next run. The due certificates of own keys are only counted.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the next run tries again
 */
export async function renew(deps: RenewDependencies, options: RenewOptions): Promise<RenewReport> {
  const { records, clock } = deps;
  const { renewAt, operationsPerMinute, signal, onCertificates } = options;
  const now = clock.now();
  const { certificates, late, due, failed, ownKeys, scheduled } = await findDue(records, renewAt, now);
  onCertificates?.(certificates);
  productMetrics().lateCertificates(late);

  const share = renewalShare(
    due.map(({ notAfter }) => notAfter),
    now,
    operationsPerMinute,
  );
  const intervalMs = 60_000 / (operationsPerMinute * share.part);
  const until = now + share.spreadMs;
  // This run continues after the renewals of earlier runs. A check due after `until` is a retry, and no renewal of an earlier run.
  const last = scheduled.reduce((most, at) => (at < until ? Math.max(most, at) : most), 0);
  const first = last === 0 ? now : last + intervalMs;
  const chosen = due.slice(0, Math.max(0, Math.ceil((until - first) / intervalMs)));
  let checked = 0;
  const scheduleCheck = async ({ uuid }: { uuid: string }, i: number) => {
    await retryWithBackoff(clock, () => requestCheck(deps, uuid, { due: first + i * intervalMs }));
    checked += 1;
  };
  await forEachConcurrently(chosen, callsAtATime, scheduleCheck, signal);
  return {
    due: due.length + failed,
    checked,
    left: due.length - checked,
    failed,
    ownKeys,
    share,
    certificates,
  };
}

/** Reads the records whose care is due. @returns the due certificates, the first to expire first; and when the checks of earlier runs are due */
async function findDue(records: Records, renewAt: number, now: EpochMs) {
  const certificates = noCertificates();
  const due: { uuid: string; notAfter: EpochMs }[] = [];
  const scheduled: EpochMs[] = [];
  let failed = 0;
  let ownKeys = 0;
  let late = 0;
  for await (const { value } of records.listed('care', now)) {
    const summary = summarize(value);
    if (!isDue(summary, renewAt, now)) continue;
    if (isLate(summary, renewAt, now)) late += 1;
    const { uuid, job, check, notAfter } = summary;
    if (check && !check.forceVerify && check.due >= now) scheduled.push(check.due);
    const expiryClass = expiryClassOf(expiryOf(summary), now);
    if (expiryClass) certificates[expiryClass] += 1;
    if (summary.key === 'device') ownKeys += 1;
    else if (job?.cancelled || job?.discarded) failed += 1;
    else if (pendingDue(summary) === null) due.push({ uuid, notAfter: notAfter ?? 0 });
  }
  due.sort((a, b) => a.notAfter - b.notAfter);
  return { certificates, late, due, failed, ownKeys, scheduled };
}

/** @param summary of a device with a due certificate */
function isLate({ uuid, notBefore, notAfter }: Summary, renewAt: number, now: EpochMs): boolean {
  return (
    notBefore !== null && notAfter !== null && isRenewalLate({ uuid, notBefore, notAfter }, renewAt, now)
  );
}

function isDue(summary: Summary, renewAt: number, now: EpochMs): boolean {
  const { uuid, operation, outside, thumbprint, notBefore, notAfter } = summary;
  // The certificate of a device outside the served fleets is not ours to renew.
  if (operation === 'deprovision' || outside) return false;
  // A renewal failed between the two variables of a pair. The dates of the certificate in use may be unknown.
  if (isHalfStored(summary)) return true;
  if (thumbprint === null) return false;
  if (notBefore === null || notAfter === null) return false;
  return now >= renewalTime({ uuid, notBefore, notAfter }, renewAt);
}
