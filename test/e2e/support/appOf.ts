import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { readConfig } from '../../../src/config.js';
import { type App, openApp } from '../../../src/openApp.js';
import type { System } from './useSystem.js';

/** What a tool of ops opens: the app of a process of its own, beside those of the system. Closed by `afterAll`. */
export function appOf({ stack: { endpoints } }: System, settings: Record<string, string> = {}): App {
  const { balena, iotHub, serviceBus, tables } = endpoints;
  if (!balena || !iotHub || !serviceBus || !tables) throw new Error('a stand-in is missing');
  setDefaultCACertificates([...getCACertificates('bundled'), readFileSync(iotHub.caFile, 'utf8')]);
  const app = openApp(
    readConfig({
      BALENA_API_URL: balena.apiUrl,
      BALENA_API_KEY: balena.apiKey,
      IOTHUB_CONNECTION_STRING: iotHub.connectionString,
      IOTHUB_TIER: 'S3',
      IOTHUB_UNITS: '10',
      SERVICEBUS_CONNECTION: serviceBus.connectionString,
      PROVISIONING_QUEUE: serviceBus.queue,
      RECORDS_CONNECTION: tables.connectionString,
      ...settings,
    }),
  );
  afterAll(() => app.close());
  return app;
}
