import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { openMetrics } from '../../../../src/telemetry/openMetrics.js';

/** Makes the product emit each of its metrics once. @returns the attributes of each metric, by the metric's name */
export async function emittedMetrics(): Promise<ReadonlyMap<string, readonly string[]>> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  const metrics = openMetrics(provider.getMeter('test'), 100);
  metrics.accepted('provision');
  metrics.provisioned('provision', 1_000);
  metrics.deprovisioned();
  metrics.failed('service-not-found', 'validate');
  metrics.operationSent();
  metrics.jobStarted(0);
  metrics.oldestOverdue(0);
  metrics.certificates({ expired: 0, within7Days: 0, within30Days: 0, later: 0 });
  metrics.queueThrottled();
  metrics.timerRan('redrive', 'timer');
  metrics.lateCertificates(0);
  metrics.credentialsRejected('balena');
  await reader.forceFlush();
  const emitted = exporter
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    .map(({ descriptor, dataPoints }) => {
      const attributes = dataPoints.flatMap((point) => Object.keys(point.attributes));
      return [descriptor.name, [...new Set(attributes)]] as const;
    });
  await provider.shutdown();
  return new Map(emitted);
}
