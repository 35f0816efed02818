import type { Attention } from '../device/state.js';
import type { Dependency, ErrorCode, Step } from '../shared/errors.js';
import type { Starter, TimerName } from '../storage/timerRuns.js';

/** An operation in the API's words. */
export type Operation = 'provision' | 'rotate' | 'deprovision';

/** The numbers of certificates by their remaining validity. */
export interface CertificateCounts {
  expired: number;
  within7Days: number;
  within30Days: number;
  later: number;
}

/** The product's metrics. `openMetrics` has the names of the metrics. No method throws. */
export interface Metrics {
  /** A new request was accepted. Repeats of a request do not count. */
  accepted(operation: Operation): void;
  /** @param afterMs the time since the request, ms */
  provisioned(operation: Operation, afterMs: number): void;
  deprovisioned(): void;
  /** A request failed for good. */
  failed(code: ErrorCode, step: Step | null): void;
  /** A registry operation was sent. */
  operationSent(): void;
  /** A worker begins a job or check. @param lateMs the time since the work was due, ms */
  jobStarted(lateMs: number): void;
  /** The redrive timer has read all overdue jobs and checks. @param lateMs the delay of the most overdue work, ms; 0 if none is overdue */
  oldestOverdue(lateMs: number): void;
  /** The devices that need an operator were counted. */
  attention(counts: Record<Attention, number>): void;
  /** The certificates that are due for renewal were counted. */
  certificates(counts: CertificateCounts): void;
  /** A timer's run has ended well. */
  timerRan(timer: TimerName, starter: Starter): void;
  /** The certificates whose renewal is late were counted. */
  lateCertificates(count: number): void;
  /** Service Bus refused a call because the credits of the namespace were used up. */
  queueThrottled(): void;
  /** The dependency rejected our credentials. */
  credentialsRejected(dependency: Dependency): void;
}

const nothing = () => {};
let current: Metrics = {
  accepted: nothing,
  provisioned: nothing,
  deprovisioned: nothing,
  failed: nothing,
  operationSent: nothing,
  jobStarted: nothing,
  oldestOverdue: nothing,
  attention: nothing,
  certificates: nothing,
  timerRan: nothing,
  lateCertificates: nothing,
  queueThrottled: nothing,
  credentialsRejected: nothing,
};

/**
 * The metrics of this process. Like OpenTelemetry's own API, the metrics are global, because code at all levels counts events.
 */
export const productMetrics = (): Metrics => current;

/** Sets the metrics of this process. Events before this call are not counted. */
export function setMetrics(metrics: Metrics): void {
  current = metrics;
}

/** Sets the counts of the due certificates. The counts are reported for some minutes. */
export function observeCertificates(counts: CertificateCounts): void {
  current.certificates(counts);
}
