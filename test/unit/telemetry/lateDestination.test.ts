import { AzureMonitorMetricExporter } from '@azure/monitor-opentelemetry-exporter';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { InstrumentType } from '@opentelemetry/sdk-metrics';
import type { Destination } from '../../../src/telemetry/destination.js';
import { openLate } from '../../../src/telemetry/lateDestination.js';

/** A destination that notes its calls. */
function recording() {
  const calls: string[] = [];
  const exporter = (name: string) => ({
    export(items: unknown, done: (result: ExportResult) => void) {
      calls.push(`${name}: ${items}`);
      done({ code: ExportResultCode.SUCCESS });
    },
    forceFlush: async () => void calls.push(`${name} flushed`),
    shutdown: async () => void calls.push(`${name} shut down`),
  });
  const destination = { spans: exporter('spans'), metrics: exporter('metrics'), logs: exporter('logs') };
  return { calls, destination: destination as unknown as Destination };
}

const exported = (
  exporter: { export(items: never, done: (result: ExportResult) => void): void },
  items: string,
) => new Promise<ExportResult>((resolve) => exporter.export(items as never, resolve));

test('the exporters are opened at the first export, once', async () => {
  const { calls, destination } = recording();
  let opened = 0;
  const late = openLate(async () => {
    opened += 1;
    return destination;
  });
  await late.spans.forceFlush?.();
  expect(opened).toBe(0);
  const results = await Promise.all([
    exported(late.spans, 'a'),
    exported(late.metrics, 'b'),
    exported(late.logs, 'c'),
  ]);
  expect(results.map(({ code }) => code)).toEqual([0, 0, 0]);
  await late.metrics.forceFlush();
  await late.logs.shutdown();
  expect(calls).toEqual(['spans: a', 'metrics: b', 'logs: c', 'metrics flushed', 'logs shut down']);
  expect(opened).toBe(1);
});

test('a process that has sent nothing ends without opening the exporters', async () => {
  const late = openLate(() => Promise.reject(new Error('unexpected')));
  await Promise.all([late.spans.shutdown(), late.metrics.shutdown(), late.logs.shutdown()]);
});

test('exporters that cannot be loaded lose one export, and the next export tries again', async () => {
  const { calls, destination } = recording();
  let tries = 0;
  const late = openLate(async () => {
    tries += 1;
    if (tries === 1) throw new Error('no such module');
    return destination;
  });
  expect(await exported(late.spans, 'a')).toMatchObject({
    code: ExportResultCode.FAILED,
    error: { message: 'no such module' },
  });
  await late.spans.shutdown();
  expect(await exported(late.spans, 'b')).toEqual({ code: ExportResultCode.SUCCESS });
  expect(calls).toEqual(['spans: b']);
});

test('metrics have the form that Application Insights expects', () => {
  const connectionString =
    'InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=https://ingestion.invalid/';
  const real = new AzureMonitorMetricExporter({ connectionString });
  const late = openLate(() => Promise.reject(new Error('unexpected')));
  for (const type of Object.values(InstrumentType))
    expect(late.metrics.selectAggregationTemporality?.(type)).toBe(real.selectAggregationTemporality(type));
  expect(['selectAggregation' in real]).toEqual([false]);
  return real.shutdown();
});
