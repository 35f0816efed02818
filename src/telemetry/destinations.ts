import type { LogRecordExporter } from '@opentelemetry/sdk-logs';
import type { PushMetricExporter } from '@opentelemetry/sdk-metrics';
import type { SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { TelemetrySettings } from '../config/config.js';

/** One receiver of telemetry. */
export interface Destination {
  spans: SpanExporter;
  metrics: PushMetricExporter;
  logs: LogRecordExporter;
}

/**
 * Opens the destinations of the settings. If both are set, telemetry goes to both, as from the Functions host. Only the used exporters are
 * loaded.
 */
export async function openDestinations({
  otlpEndpoint,
  applicationInsights,
}: Omit<TelemetrySettings, 'serviceName'>): Promise<Destination[]> {
  const opened: Promise<Destination>[] = [];
  if (otlpEndpoint) opened.push(openOtlp(otlpEndpoint));
  if (applicationInsights) opened.push(openApplicationInsights(applicationInsights));
  return Promise.all(opened);
}

/** OTLP over HTTP in JSON. Every collector takes JSON beside protobuf. */
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
 * Opens Microsoft's exporter alone. Microsoft's distribution (`@azure/monitor-opentelemetry`) also instruments every known library and
 * would send URLs. The exporter only has beta versions, and the distribution uses the same ones.
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
