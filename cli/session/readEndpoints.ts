import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../src/config/config.js';
import type { Settings } from './findSystem.js';

/** The part of what `npm start` writes that is needed here. */
const shape = z.object({
  settings: z.record(z.string(), z.string()).default({}),
  serviceBus: z.object({ connectionString: z.string(), queue: z.string() }).optional(),
  tables: z.object({ connectionString: z.string() }).optional(),
  iotHub: z.object({ connectionString: z.string() }).optional(),
  balena: z.object({ apiUrl: z.string(), apiKey: z.string() }).optional(),
});

/** The system that `npm start` brought up last. */
export interface LocalSystem {
  settings: Settings;
  /** PEM: what is to be trusted as well; null if nothing is. */
  trusted: string | null;
}

/**
 * @param folder where npm start keeps its state
 * @returns null if there is none
 * @throws ConfigError
 */
export async function readEndpoints(folder: string): Promise<LocalSystem | null> {
  const file = join(folder, 'endpoints.json');
  const text = await readIfThere(file);
  if (text === null) return null;
  const { settings, serviceBus, tables, iotHub, balena } = parse(file, text);
  return {
    settings: {
      ...settings,
      ...(serviceBus && {
        SERVICEBUS_CONNECTION: serviceBus.connectionString,
        PROVISIONING_QUEUE: serviceBus.queue,
      }),
      ...(tables && { RECORDS_CONNECTION: tables.connectionString }),
      ...(iotHub && { IOTHUB_CONNECTION_STRING: iotHub.connectionString }),
      ...(balena && { BALENA_API_URL: balena.apiUrl, BALENA_API_KEY: balena.apiKey }),
    },
    trusted: await readIfThere(join(folder, 'trusted.pem')),
  };
}

function parse(file: string, text: string): z.infer<typeof shape> {
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw new ConfigError([`${file} is not what npm start writes: start it again`]);
  }
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new ConfigError([`${file} cannot be read (${code})`]);
  }
}
