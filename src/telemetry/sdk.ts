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
import type { Destination } from './destination.js';
import { openDestinations } from './destinations.js';
import { installHooks } from './hostHooks.js';
import { setMetrics } from './metrics.js';
import { openMetrics } from './openMetrics.js';
import { openSampling } from './sampling.js';
import { dropLeftOutSpans, scope } from './spans.js';

/** The telemetry of this process. */
export interface Telemetry {
  /** Writes and sends a line that belongs to no invocation. */
  log(line: string): void;
  /** Sends all waiting data, for three seconds at most. Never throws. */
  flush(): Promise<void>;
  /** Sends all waiting data as `flush` does, and ends telemetry. */
  close(): Promise<void>;
}

/** The host gives its functions 5 s to end, and Azure bills the run of a timer. Data that is still unsent then is dropped. */
const longestSendMs = 3_000;
/** The default of 2,048 holds the spans of about 80 devices. A worker can provision more devices than that while one batch is sent. */
const mostWaitingSpans = 8_192;
const warnEveryMs = 300_000;

/**
 * Starts the OpenTelemetry SDK for this process, with traces, metrics and logs to each destination. The SDK itself reads OpenTelemetry's
 * standard variables (OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, ...).
 *
 * @param perMinute the hub's limit of registry operations a minute
 */
export async function startSdk(
  { serviceName, ...settings }: TelemetrySettings,
  perMinute: number,
): Promise<Telemetry> {
  // Each instance has counters of its own. The id distinguishes the instances.
  const resource = resourceFromAttributes({
    'service.name': serviceName,
    'service.instance.id': randomUUID(),
  });
  const destinations = await openDestinations(settings);
  const each = <R>(make: (destination: Destination) => R): R[] => destinations.map(make);

  const sampling = openSampling(Date.now);

  const traces = new BasicTracerProvider({
    resource,
    spanProcessors: [
      sampling.spans(
        each(({ spans }) =>
          dropLeftOutSpans(new BatchSpanProcessor(spans, { maxQueueSize: mostWaitingSpans })),
        ),
      ),
    ],
  });
  const meters = new MeterProvider({
    resource,
    readers: each((destination) => new PeriodicExportingMetricReader({ exporter: destination.metrics })),
  });
  const logs = new LoggerProvider({
    resource,
    processors: each(({ logs: exporter }) => sampling.lines(new BatchLogRecordProcessor({ exporter }))),
  });

  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(traces);
  metrics.setGlobalMeterProvider(meters);
  setMetrics(openMetrics(meters.getMeter(scope), perMinute));
  warnRarely();

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

/** A failed export only loses telemetry. The warning names the error without its text, because the text could quote a header. */
function warnRarely(): void {
  let warnedAt = Number.NEGATIVE_INFINITY;
  setGlobalErrorHandler((error) => {
    if (performance.now() - warnedAt < warnEveryMs) return;
    warnedAt = performance.now();
    const { name, code } = error as { name?: unknown; code?: unknown };
    console.warn(`Telemetry cannot be sent and is lost (${[name, code].filter(Boolean).join(', ')})`);
  });
}
