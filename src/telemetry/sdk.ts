import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { TelemetrySettings } from '../config/config.js';
import { type Destination, openDestinations } from './destinations.js';
import { installHooks } from './hostHooks.js';
import { setMetrics } from './metrics.js';
import { openMetrics } from './openMetrics.js';
import { remarkableSpans, scope } from './spans.js';
import type { Telemetry } from './start.js';

/** The host gives its functions 5 s to end, and a timer's run is billed; what is not sent by then is not worth waiting for. */
const longestSendMs = 3_000;
/** About 80 devices' spans at the default of 2,048; a worker that has none to wait for provisions more while one batch is sent. */
const mostWaitingSpans = 8_192;
const complainEveryMs = 300_000;

/**
 * Starts the OpenTelemetry SDK for this process: traces, metrics and logs to each destination. What else the SDK can be told it
 * reads itself, from the variables that OpenTelemetry has defined (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, ...).
 *
 * @param perMinute registry operations that the hub allows in a minute
 */
export async function startSdk(
  { serviceName, ...settings }: TelemetrySettings,
  perMinute: number,
): Promise<Telemetry> {
  // The id tells the instances apart: each of them has its own counters.
  const resource = resourceFromAttributes({
    'service.name': serviceName,
    'service.instance.id': randomUUID(),
  });
  const destinations = await openDestinations(settings);
  const each = <R>(make: (destination: Destination) => R): R[] => destinations.map(make);

  const traces = new BasicTracerProvider({
    resource,
    spanProcessors: each(({ spans }) =>
      remarkableSpans(new BatchSpanProcessor(spans, { maxQueueSize: mostWaitingSpans })),
    ),
  });
  const meters = new MeterProvider({
    resource,
    readers: each((destination) => new PeriodicExportingMetricReader({ exporter: destination.metrics })),
  });
  const logs = new LoggerProvider({
    resource,
    processors: each((destination) => new BatchLogRecordProcessor({ exporter: destination.logs })),
  });

  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(traces);
  metrics.setGlobalMeterProvider(meters);
  setMetrics(openMetrics(meters.getMeter(scope), perMinute));
  complainRarely();

  const logger = logs.getLogger(scope);
  const providers = [traces, meters, logs];
  const flush = () => bounded(providers.map((provider) => provider.forceFlush()));
  installHooks(logger, flush);

  return {
    log(line) {
      console.log(line);
      logger.emit({ body: line, severityNumber: SeverityNumber.INFO, severityText: 'information' });
    },
    flush,
    close: () => bounded(providers.map((provider) => provider.shutdown())),
  };
}

async function bounded(sendings: Promise<void>[]): Promise<void> {
  await Promise.race([Promise.allSettled(sendings), delay(longestSendMs, undefined, { ref: false })]);
}

/** What cannot be sent is lost, and nothing else. That it is lost is said, by name only: a text could quote a header. */
function complainRarely(): void {
  let saidAt = Number.NEGATIVE_INFINITY;
  setGlobalErrorHandler((error) => {
    if (performance.now() - saidAt < complainEveryMs) return;
    saidAt = performance.now();
    const { name, code } = error as { name?: unknown; code?: unknown };
    console.warn(`telemetry cannot be sent, and is lost (${[name, code].filter(Boolean).join(', ')})`);
  });
}
