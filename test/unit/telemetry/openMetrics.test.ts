import {
  AggregationTemporality,
  InMemoryMetricExporter,
  InstrumentType,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { observeCertificates, productMetrics, setMetrics } from '../../../src/telemetry/metrics.js';
import { openMetrics } from '../../../src/telemetry/openMetrics.js';

const minutes = 60_000;
let now = Date.parse('2030-01-01T00:00:00Z');
/** Gauges as for Application Insights, whose metrics the alerts read. Counters are read one after the other, and stay. */
class Exporter extends InMemoryMetricExporter {
  override selectAggregationTemporality(type: InstrumentType): AggregationTemporality {
    return type === InstrumentType.OBSERVABLE_GAUGE
      ? AggregationTemporality.DELTA
      : AggregationTemporality.CUMULATIVE;
  }
}
const exporter = new Exporter(AggregationTemporality.CUMULATIVE);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const provider = new MeterProvider({ readers: [reader] });
afterAll(() => provider.shutdown());
setMetrics(openMetrics(provider.getMeter('test'), 100, () => now));

/** The values of a metric by attributes; of a histogram, the sums. */
async function shown(name: string): Promise<Record<string, number>> {
  exporter.reset();
  await reader.forceFlush();
  const metrics = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics));
  const points = metrics.find(({ descriptor }) => descriptor.name === name)?.dataPoints ?? [];
  return Object.fromEntries(
    points.map(({ attributes, value }) => [
      Object.values(attributes).join(),
      typeof value === 'number' ? value : (value as { sum: number }).sum,
    ]),
  );
}

test('requests are counted by what they are and how they end', async () => {
  productMetrics().accepted('provision');
  productMetrics().accepted('provision');
  productMetrics().accepted('deprovision');
  productMetrics().provisioned('provision', 2_500);
  productMetrics().deprovisioned();
  productMetrics().failed('service-not-found', 'validate');
  productMetrics().failed('worker-died', null);
  productMetrics().credentialsRejected('hub');
  expect(await shown('provisioner.accepted')).toEqual({ provision: 2, deprovision: 1 });
  expect(await shown('provisioner.provisioned')).toEqual({ provision: 1 });
  expect(await shown('provisioner.time_to_provisioned')).toEqual({ provision: 2.5 });
  expect(await shown('provisioner.deprovisioned')).toEqual({ '': 1 });
  expect(await shown('provisioner.failed')).toEqual({
    'service-not-found,validate': 1,
    'worker-died,none': 1,
  });
  expect(await shown('provisioner.credentials_refused')).toEqual({ hub: 1 });
});

test('devices that need an operator are counted by reason, until the next count is overdue', async () => {
  productMetrics().attention({ 'check-failed': 3, outside: 0 });
  expect(await shown('provisioner.devices.attention')).toEqual({ 'check-failed': 3, outside: 0 });
  now += 6 * minutes;
  expect(await shown('provisioner.devices.attention')).toEqual({ 'check-failed': 0, outside: 0 });
});

test('the rate is that of the last minute, beside what the hub allows', async () => {
  for (let i = 0; i < 30; i += 1) {
    productMetrics().operationSent();
    now += 1_000;
  }
  expect(await shown('provisioner.pace.rate')).toEqual({ '': 30 });
  now += 45_000;
  expect(await shown('provisioner.pace.rate')).toEqual({ '': 14 });
  now += minutes;
  expect(await shown('provisioner.pace.rate')).toEqual({ '': 0 });
  expect(await shown('provisioner.pace.limit')).toEqual({ '': 100 });
});

test('the oldest job is the job that a worker has just started, or that the redrive has found', async () => {
  productMetrics().jobStarted(3_000);
  productMetrics().jobStarted(1_000);
  productMetrics().jobStarted(-50);
  expect(await shown('provisioner.queue.oldest_age')).toEqual({ '': 3 });
  productMetrics().oldestOverdue(15 * minutes);
  expect(await shown('provisioner.queue.oldest_age')).toEqual({ '': 900 });
  now += 5 * minutes;
  expect(await shown('provisioner.queue.oldest_age')).toEqual({ '': 900 });
  productMetrics().oldestOverdue(0);
  expect(await shown('provisioner.queue.oldest_age')).toEqual({ '': 0 });
});

// The alert renewal-silent must see that nobody counts any more, and certificates-near-expiry that the renewals have succeeded elsewhere.
test('certificates are shown for some minutes after each count', async () => {
  expect(await shown('provisioner.certificates')).toEqual({});
  observeCertificates({ expired: 1, within7Days: 2, within30Days: 3, later: 4 });
  expect(await shown('provisioner.certificates')).toEqual({ expired: 1, 7: 2, 30: 3, later: 4 });
  productMetrics().lateCertificates(2);
  expect(await shown('provisioner.certificates.late')).toEqual({ '': 2 });
  now += 6 * minutes;
  expect(await shown('provisioner.certificates')).toEqual({});
  expect(await shown('provisioner.certificates.late')).toEqual({});
  now += 24 * 60 * minutes;
  observeCertificates({ expired: 0, within7Days: 0, within30Days: 5, later: 5 });
  expect(await shown('provisioner.certificates')).toEqual({ expired: 0, 7: 0, 30: 5, later: 5 });
});
