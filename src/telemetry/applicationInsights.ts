import {
  AzureMonitorLogExporter,
  AzureMonitorMetricExporter,
  AzureMonitorTraceExporter,
} from '@azure/monitor-opentelemetry-exporter';
import type { TelemetrySettings } from '../config/config.js';
import { identityOf } from '../shared/managedIdentity.js';
import type { Destination } from './destination.js';

/**
 * Opens Microsoft's exporter alone. Microsoft's distribution (`@azure/monitor-opentelemetry`) also instruments every known library and
 * would send URLs. The exporter only has beta versions, and the distribution uses the same ones.
 */
export function openApplicationInsights({
  connectionString,
  identity,
}: NonNullable<TelemetrySettings['applicationInsights']>): Destination {
  const options = { connectionString, ...(identity && { credential: identityOf(identity.clientId) }) };
  return {
    spans: new AzureMonitorTraceExporter(options),
    metrics: new AzureMonitorMetricExporter(options),
    logs: new AzureMonitorLogExporter(options),
  };
}
