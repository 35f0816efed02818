import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Endpoints } from '../local/stack/Endpoints.js';
import { readConfig } from '../src/config/config.js';
import { type App, openApp } from '../src/openApp.js';

/** What a tool of ops opens: the app, in this process, beside those of a system. This process trusts the system's hub from then on. */
export function openAppOf(
  { balena, iotHub, serviceBus, tables }: Endpoints,
  settings: Record<string, string> = {},
): App {
  if (!balena || !iotHub || !serviceBus || !tables) throw new Error('a simulator is missing');
  setDefaultCACertificates([...getCACertificates('bundled'), readFileSync(iotHub.caFile, 'utf8')]);
  return openApp(
    readConfig({
      BALENA_API_URL: balena.apiUrl,
      BALENA_API_KEY: balena.apiKey,
      IOTHUB_CONNECTION_STRING: iotHub.connectionString,
      SERVICEBUS_CONNECTION: serviceBus.connectionString,
      PROVISIONING_QUEUE: serviceBus.queue,
      RECORDS_CONNECTION: tables.connectionString,
      ...settings,
    }),
  );
}
