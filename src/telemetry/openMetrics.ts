import type { Meter } from '@opentelemetry/api';
import type { Attention } from '../device/state.js';
import type { EpochMs } from '../shared/time.js';
import type { CertificateCounts, Metrics } from './metrics.js';

const minutes = 60_000;
/**
 * What a run of a timer found is reported for so long: until the next run of the redrive, which comes after five minutes. Later, another
 * instance may have found something else. An alert must not see the former value for as long as this process lives.
 */
const foundHoldsMs = 6 * minutes;
/** Histogram bounds in seconds. The range covers a single device, a burst of thousands at 1.67 a second, and an outage. */
const buckets = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400];

/**
 * Makes the product's metrics on a meter. Each instance reports its own values. A dashboard adds up the counters and `pace.rate` over
 * the instances, and takes the maximum of the other metrics.
 *
 * @param perMinute the hub's limit of registry operations a minute
 */
export function openMetrics(meter: Meter, perMinute: number, now: () => EpochMs = Date.now): Metrics {
  const counter = (name: string, description: string) =>
    meter.createCounter(`provisioner.${name}`, { description });
  const gauge = (name: string, unit: string, description: string) =>
    meter.createObservableGauge(`provisioner.${name}`, { unit, description });

  const accepted = counter('accepted', 'Requests accepted, by operation');
  const provisioned = counter('provisioned', 'Devices provisioned, by operation');
  const deprovisioned = counter('deprovisioned', 'Devices deprovisioned');
  const failed = counter('failed', 'Requests that failed for good, by code and step');
  const rejected = counter('credentials_refused', 'Rejections of our own credentials, by dependency');
  const throttled = counter(
    'queue.throttled',
    'Calls that Service Bus refused, because the credits were used up',
  );
  const ran = counter('timer.runs', 'Runs of timers that ended well, by timer and by who began the run');
  const time = meter.createHistogram('provisioner.time_to_provisioned', {
    unit: 's',
    description: 'From the request to the stored variables',
    advice: { explicitBucketBoundaries: buckets },
  });

  const operations = lastMinute(now);
  gauge('pace.limit', '{operation}/min', 'Registry operations that the hub allows').addCallback((result) =>
    result.observe(perMinute),
  );
  gauge('pace.rate', '{operation}/min', 'Registry operations sent in the last minute').addCallback((result) =>
    result.observe(operations.sum()),
  );

  const late = lastMinute(now);
  let overdue = { value: 0, until: 0 };
  gauge('queue.oldest_age', 's', 'How long the oldest due work has waited for a worker').addCallback(
    (result) => {
      const found = now() < overdue.until ? overdue.value : 0;
      result.observe(Math.max(late.most(), found) / 1_000);
    },
  );

  let attention: { counts: Record<Attention, number>; until: EpochMs } | undefined;
  gauge('devices.attention', '{device}', 'Devices that need an operator, by reason').addCallback((result) => {
    // Another instance may have counted since.
    const holds = attention !== undefined && now() < attention.until;
    for (const [reason, count] of Object.entries(attention?.counts ?? {}))
      result.observe(holds ? count : 0, { reason });
  });

  let lateCertificates = { count: 0, until: 0 };
  gauge('certificates.late', '{certificate}', 'Certificates whose renewal is late').addCallback((result) => {
    if (now() < lateCertificates.until) result.observe(lateCertificates.count);
  });

  let certificates: { counts: CertificateCounts; until: EpochMs } | undefined;
  gauge(
    'certificates',
    '{certificate}',
    'Certificates due for renewal, by the days that they are still valid',
  ).addCallback((result) => {
    if (!certificates || now() >= certificates.until) return;
    const { expired, within7Days, within30Days, later } = certificates.counts;
    result.observe(expired, { days_left: 'expired' });
    result.observe(within7Days, { days_left: '7' });
    result.observe(within30Days, { days_left: '30' });
    result.observe(later, { days_left: 'later' });
  });

  return {
    accepted: (operation) => accepted.add(1, { operation }),
    provisioned(operation, afterMs) {
      provisioned.add(1, { operation });
      time.record(Math.max(0, afterMs) / 1_000, { operation });
    },
    deprovisioned: () => deprovisioned.add(1),
    failed: (code, step) => failed.add(1, { code, step: step ?? 'none' }),
    operationSent: () => operations.add(1),
    jobStarted: (lateMs) => late.add(Math.max(0, lateMs)),
    oldestOverdue(lateMs) {
      overdue = { value: lateMs, until: now() + foundHoldsMs };
    },
    attention(counts) {
      attention = { counts, until: now() + foundHoldsMs };
    },
    certificates(counts) {
      certificates = { counts, until: now() + foundHoldsMs };
    },
    timerRan: (timer, starter) => ran.add(1, { timer, starter }),
    lateCertificates(count) {
      lateCertificates = { count, until: now() + foundHoldsMs };
    },
    queueThrottled: () => throttled.add(1),
    credentialsRejected: (dependency) => rejected.add(1, { dependency }),
  };
}

/** The values of the last minute, in buckets of one second. */
export interface LastMinute {
  add(value: number): void;
  sum(): number;
  /** The greatest value; 0 without values. */
  most(): number;
}

const seconds = 60;

/** Keeps the values of the last minute. */
export function lastMinute(now: () => EpochMs): LastMinute {
  const buckets = Array.from({ length: seconds }, () => ({ second: 0, sum: 0, most: 0 }));
  const second = () => Math.floor(now() / 1_000);
  const recent = () => buckets.filter((bucket) => second() - bucket.second < seconds);
  return {
    add(value) {
      const at = second();
      const bucket = buckets[at % seconds]!;
      if (bucket.second !== at) Object.assign(bucket, { second: at, sum: 0, most: 0 });
      bucket.sum += value;
      bucket.most = Math.max(bucket.most, value);
    },
    sum: () => recent().reduce((sum, bucket) => sum + bucket.sum, 0),
    most: () => recent().reduce((most, bucket) => Math.max(most, bucket.most), 0),
  };
}
