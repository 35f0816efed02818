import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError } from '../../src/config/config.js';

/** Settings by name, as in the environment. */
export type Settings = Record<string, string | undefined>;

/** The part of `endpoints.json` for the CLI. `npm start` writes the file. */
const shape = z.object({
  claim: z.string().optional(),
  settings: z.record(z.string(), z.string()).default({}),
  serviceBus: z.object({ connectionString: z.string(), queue: z.string() }).optional(),
  tables: z.object({ connectionString: z.string() }).optional(),
  iotHub: z.object({ connectionString: z.string() }).optional(),
  balena: z.object({ apiUrl: z.string(), apiKey: z.string() }).optional(),
});

/** The system of the last `npm start`. */
export interface LocalSystem {
  /** The socket that answers as long as the system runs; null if nobody knows whether the system runs. */
  claim: string | null;
  settings: Settings;
  /** PEM: certificates to trust in addition to the default ones; null if there are none. */
  trustedCertificates: string | null;
}

/**
 * Reads the connections of a local system.
 *
 * @param folder the folder with the state of `npm start`
 * @returns null if the folder has no local system
 * @throws ConfigError
 */
export async function readEndpoints(folder: string): Promise<LocalSystem | null> {
  const file = join(folder, 'endpoints.json');
  const text = await readIfThere(file);
  if (text === null) return null;
  const { claim = null, settings, serviceBus, tables, iotHub, balena } = parse(file, text);
  return {
    claim,
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
    trustedCertificates: await readIfThere(join(folder, 'trusted.pem')),
  };
}

function parse(file: string, text: string): z.infer<typeof shape> {
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    throw new ConfigError([`${file} does not have the format of npm start. Run npm start again`]);
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
