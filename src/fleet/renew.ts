import { type CertificateCounts, certificateAge, noCertificates } from '../certificates/expiry.js';
import { type RenewalShare, renewalShare, renewalTime } from '../certificates/renewal.js';
import type { Records } from '../device/repository.js';
import { isHalfStored } from '../device/state.js';
import type { Summary } from '../device/summary.js';
import { check } from '../provisioning/check.js';
import type { Queue } from '../queue/queue.js';
import { forEachConcurrently } from '../shared/async.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { Clock } from '../shared/time.js';

export interface RenewDependencies {
  records: Records;
  queue: Queue;
  clock: Clock;
}

export interface RenewOptions {
  /** The part of a certificate's life after which it is renewed. */
  renewAt: number;
  /** The hub's limit of registry operations. */
  operationsPerMinute: number;
  signal?: AbortSignal;
  /** Told as soon as all are counted: that asking for renewals fails then must not hide how many are about to expire. */
  onCertificates?(counts: CertificateCounts): void;
}

export interface RenewReport {
  /** Certificates that are due for renewal. */
  due: number;
  /** Devices that a worker is to look at, within the next hours. */
  checked: number;
  /** Due as well, and left to the next run: more would not fit into the renewals' share of the pace. */
  left: number;
  /** Due, but their request failed for good: they are not renewed until ops have seen to it. */
  failed: number;
  /** Of the pace that renewals fill. */
  share: RenewalShare;
  /** All certificates, by when they expire. */
  certificates: CertificateCounts;
}

const callsAtATime = 20;

/**
 * Has workers look at devices whose certificate is due: they replace it, and the hub accepts the old one until the next renewal.
 * Those that expire first come first, each at a time of its own, no more than fit into their share of the pace. What fails is due again
 * at the next run.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the next run tries again
 */
export async function renew(deps: RenewDependencies, options: RenewOptions): Promise<RenewReport> {
  const { records, clock } = deps;
  const { renewAt, operationsPerMinute, signal, onCertificates } = options;
  const now = clock.now();
  const certificates = noCertificates();
  const due: { uuid: string; notAfter: number }[] = [];
  let failed = 0;
  // When the renewals of earlier runs are due.
  const waiting: number[] = [];
  for await (const summary of records.summaries()) {
    const { job } = summary;
    if (job?.kind === 'check' && job.due >= now) waiting.push(job.due);
    const age = certificateAge(summary, now);
    if (age) certificates[age] += 1;
    if (!isDue(summary, renewAt, now)) continue;
    const { uuid, notAfter } = summary;
    if (job?.deadAt) failed += 1;
    else if (!job) due.push({ uuid, notAfter: notAfter ?? 0 });
  }
  onCertificates?.(certificates);
  due.sort((a, b) => a.notAfter - b.notAfter);

  const share = renewalShare(
    due.map(({ notAfter }) => notAfter),
    now,
    operationsPerMinute,
  );
  const intervalMs = 60_000 / (operationsPerMinute * share.part);
  const until = now + share.spreadMs;
  // Behind those of earlier runs; what is due later than this run reaches is no row of renewals, but one that is tried again.
  const last = waiting.reduce((most, at) => (at < until ? Math.max(most, at) : most), 0);
  const first = last === 0 ? now : last + intervalMs;
  const chosen = due.slice(0, Math.max(0, Math.ceil((until - first) / intervalMs)));
  let checked = 0;
  const look = async ({ uuid }: { uuid: string }, i: number) => {
    await retryWithBackoff(clock, () => check(deps, uuid, false, first + i * intervalMs));
    checked += 1;
  };
  await forEachConcurrently(chosen, callsAtATime, look, signal);
  return { due: due.length + failed, checked, left: due.length - checked, failed, share, certificates };
}

function isDue(summary: Summary, renewAt: number, now: number): boolean {
  const { uuid, operation, thumbprint, notBefore, notAfter } = summary;
  if (operation === 'deprovision') return false;
  // A renewal that failed in the middle: the dates of the certificate that is left may not be known, and half a pair stands in balena.
  if (isHalfStored(summary)) return true;
  if (thumbprint === null) return false;
  if (notBefore === null || notAfter === null) return false;
  return now >= renewalTime({ uuid, notBefore, notAfter }, renewAt);
}
