import type { TelemetrySettings } from '../config/config.js';
import type { Destination } from './destination.js';
import { openLate } from './lateDestination.js';

/**
 * Opens the destinations of the settings. If both are set, telemetry goes to both, as from the Functions host. Only the used exporters are
 * loaded.
 */
export async function openDestinations({
  otlpEndpoint,
  applicationInsights,
}: Omit<TelemetrySettings, 'serviceName'>): Promise<Destination[]> {
  const opened: Promise<Destination>[] = [];
  if (otlpEndpoint) opened.push(import('./otlp.js').then(({ openOtlp }) => openOtlp(otlpEndpoint)));
  if (applicationInsights)
    opened.push(
      Promise.resolve(
        openLate(async () => {
          const { openApplicationInsights } = await import('./applicationInsights.js');
          return openApplicationInsights(applicationInsights);
        }),
      ),
    );
  return Promise.all(opened);
}
