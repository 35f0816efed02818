import { findPackageJSON } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { ConfigError } from '../../src/config/config.js';
import { applyLocalSettings } from '../../src/config/localSettings.js';
import { readEndpoints } from './readEndpoints.js';

export type Settings = Record<string, string | undefined>;

/** The system to talk to. */
export interface System {
  /** As the functions read them. */
  settings: Settings;
  /** Which one it is, in words, for people to see before they change something. */
  name: string;
  /** Is it that of npm start? */
  local: boolean;
  /** PEM: what is to be trusted as well; null if nothing is. */
  trusted: string | null;
}

/** Where queue and records are: whoever has set one of these means that system, and never a local one in part. */
const decisive = [
  'SERVICEBUS_CONNECTION',
  'SERVICEBUS_CONNECTION__fullyQualifiedNamespace',
  'RECORDS_CONNECTION',
  'RECORDS_CONNECTION__accountName',
];

/**
 * The system that the settings name (environment, then local.settings.json), or, without any, the one that npm start has
 * brought up.
 *
 * @param folder of the local system, where it was named: then it is meant, whatever the settings are
 * @throws ConfigError
 */
export async function findSystem(env: Settings, folder?: string): Promise<System> {
  const settings = { ...env };
  await applyLocalSettings(packageFolder(), settings);
  if (folder === undefined && decisive.some((name) => settings[name]?.trim()))
    return { settings, name: nameOf(settings), local: false, trusted: null };
  const at = resolve(folder ?? join(packageFolder(), '.local'));
  const found = await readEndpoints(at);
  if (!found)
    throw new ConfigError([
      folder === undefined
        ? 'SERVICEBUS_CONNECTION and RECORDS_CONNECTION (as the functions have them) name a system; without them, a local one is used, and npm start was not run yet'
        : `--folder ${folder} has no endpoints.json: it must be the folder of a local system (npm start -- --folder ...)`,
    ]);
  return {
    settings: { ...settings, ...found.settings },
    name: `the local system in ${relative(process.cwd(), at) || at} (npm start)`,
    local: true,
    trusted: found.trusted,
  };
}

function nameOf(settings: Settings): string {
  const bus =
    settings.SERVICEBUS_CONNECTION__fullyQualifiedNamespace ??
    /Endpoint=sb:\/\/([\w.:-]+)/.exec(settings.SERVICEBUS_CONNECTION ?? '')?.[1] ??
    'an unknown namespace';
  const account =
    settings.RECORDS_CONNECTION__accountName ??
    /AccountName=(\w+)/.exec(settings.RECORDS_CONNECTION ?? settings.AzureWebJobsStorage ?? '')?.[1] ??
    settings.AzureWebJobsStorage__accountName ??
    'an unknown account';
  return `queue ${settings.PROVISIONING_QUEUE?.trim() || 'provisioning'} at ${bus}, records in ${account}`;
}

/** The folder of package.json, for the sources, which tests run, as for the build in dist/. */
export function packageFolder(): string {
  const file = findPackageJSON('..', import.meta.url);
  if (!file) throw new Error('unreachable: this is part of a package');
  return dirname(file);
}
