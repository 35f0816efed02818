import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import type { Destination } from './destination.js';

/** OTLP over HTTP in JSON. Every collector takes JSON beside protobuf. @param endpoint without a slash at the end */
export function openOtlp(endpoint: string): Destination {
  const to = (signal: string) => ({ url: `${endpoint}/v1/${signal}` });
  return {
    spans: new OTLPTraceExporter(to('traces')),
    metrics: new OTLPMetricExporter(to('metrics')),
    logs: new OTLPLogExporter(to('logs')),
  };
}
