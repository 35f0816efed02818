import type { Dependency, ErrorCode, Step } from '../shared/errors.js';

export type Operation = 'provision' | 'rotate' | 'deprovision';

/** Certificates by how long they are still valid. */
export interface CertificateCounts {
  expired: number;
  within7Days: number;
  within30Days: number;
  later: number;
}

/** What the product counts and observes; `openMeasures` says under which names. None of it ever throws. */
export interface Metrics {
  /** A request was taken: a new one, not an ask that changed nothing. */
  accepted(operation: Operation): void;
  /** @param afterMs since it was requested */
  provisioned(operation: Operation, afterMs: number): void;
  deprovisioned(): void;
  /** A request failed for good. */
  failed(code: ErrorCode, step: Step | null): void;
  /** A registry operation was asked for. */
  operation(): void;
  /** A worker takes up work that was due this many ms ago. */
  tookUp(lateMs: number): void;
  /** How long the oldest work is overdue that the overdue timer has found, ms; 0 if there is none. */
  overdue(lateMs: number): void;
  certificates(counts: CertificateCounts): void;
  /** Our credentials were refused. */
  refused(dependency: Dependency): void;
}

const nothing = () => {};
let current: Metrics = {
  accepted: nothing,
  provisioned: nothing,
  deprovisioned: nothing,
  failed: nothing,
  operation: nothing,
  tookUp: nothing,
  overdue: nothing,
  certificates: nothing,
  refused: nothing,
};

/**
 * The measures of this process. They belong to the process as OpenTelemetry's own API does, and are not handed around: what is
 * counted lies in the depth of every part.
 */
export const productMetrics = (): Metrics => current;

/** From here on these count; before, nothing does. */
export function setMetrics(metrics: Metrics): void {
  current = metrics;
}

/** For whoever has gone through all certificates: shown until the next time that this process does, or ends. */
export function observeCertificates(counts: CertificateCounts): void {
  current.certificates(counts);
}
