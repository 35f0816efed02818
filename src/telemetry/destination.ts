import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';

/** One receiver of telemetry. */
export interface Destination {
  spans: SpanExporter;
  metrics: PushMetricExporter;
  logs: LogRecordExporter;
}
