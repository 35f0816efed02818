import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { TelemetrySettings } from '../config/config.js';

/** Where telemetry goes. */
export interface Destination {
  spans: SpanExporter;
  metrics: PushMetricExporter;
  logs: LogRecordExporter;
}

/** Both where both are set, as the Functions host does it. Only what is used is loaded. */
export async function openDestinations({
  otlpEndpoint,
  applicationInsights,
}: Omit<TelemetrySettings, 'serviceName'>): Promise<Destination[]> {
  const opened: Promise<Destination>[] = [];
  if (otlpEndpoint) opened.push(openOtlp(otlpEndpoint));
  if (applicationInsights) opened.push(openApplicationInsights(applicationInsights));
  return Promise.all(opened);
}

/** OTLP over HTTP in JSON, which every collector takes beside protobuf. */
async function openOtlp(endpoint: string): Promise<Destination> {
  const [{ OTLPTraceExporter }, { OTLPMetricExporter }, { OTLPLogExporter }] = await Promise.all([
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/exporter-metrics-otlp-http'),
    import('@opentelemetry/exporter-logs-otlp-http'),
  ]);
  const to = (signal: string) => ({ url: `${endpoint}/v1/${signal}` });
  return {
    spans: new OTLPTraceExporter(to('traces')),
    metrics: new OTLPMetricExporter(to('metrics')),
    logs: new OTLPLogExporter(to('logs')),
  };
}

/**
 * The exporter alone, and not Microsoft's distribution (`@azure/monitor-opentelemetry`): that one instruments every library that
 * it knows besides, and would send URLs. Of the exporter there are only versions called beta, which the distribution uses as well.
 */
async function openApplicationInsights({
  connectionString,
  identity,
}: NonNullable<TelemetrySettings['applicationInsights']>): Promise<Destination> {
  const { AzureMonitorLogExporter, AzureMonitorMetricExporter, AzureMonitorTraceExporter } = await import(
    '@azure/monitor-opentelemetry-exporter'
  );
  const options = { connectionString, ...(identity && { credential: await credentialOf(identity) }) };
  return {
    spans: new AzureMonitorTraceExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
    logs: new AzureMonitorLogExporter(options),
  };
}

async function credentialOf({ clientId }: { clientId: string | null }) {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return clientId === null
    ? new DefaultAzureCredential()
    : new DefaultAzureCredential({ managedIdentityClientId: clientId });
}
