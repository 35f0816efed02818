import { join, relative, resolve } from 'node:path';
import { ConfigError } from '../../src/config/config.js';
import { applyLocalSettings } from '../../src/config/localSettings.js';
import { CliError, exitCodes } from '../exitCodes.js';
import { packageFolder } from './packageFolder.js';
import { readEndpoints, type Settings } from './readEndpoints.js';
import { socketAnswers } from './socketAnswers.js';

/** The system to connect to: a queue, records, a hub and a balena API. */
export interface System {
  /** The settings of the functions. */
  settings: Settings;
  /** A description for the operator, without secrets, so that changes do not go to the wrong system. */
  name: string;
  /** True for the system of `npm start`. */
  local: boolean;
  /** PEM: certificates to trust in addition to the default ones; null if there are none. */
  trustedCertificates: string | null;
}

/** The settings for queue and records. If one of these is set, the settings define the system, and no local part is mixed in. */
const connectionSettings = [
  'SERVICEBUS_CONNECTION',
  'SERVICEBUS_CONNECTION__fullyQualifiedNamespace',
  'RECORDS_CONNECTION',
  'RECORDS_CONNECTION__accountName',
];

/**
 * Finds the system. The settings come from the environment, then from local.settings.json. Without settings for queue and records, the
 * system of `npm start` is used.
 *
 * @param folder the folder of a local system. If given, the local system is used, even if the settings name another system.
 * @throws ConfigError if there is no system
 * @throws CliError if the local system does not run. Another local system may use its ports by now
 */
export async function findSystem(env: Settings, folder?: string): Promise<System> {
  const settings = { ...env };
  await applyLocalSettings(packageFolder(), settings);
  if (folder === undefined && connectionSettings.some((name) => settings[name]?.trim()))
    return { settings, name: nameOf(settings), local: false, trustedCertificates: null };
  const at = resolve(folder ?? join(packageFolder(), '.local'));
  const found = await readEndpoints(at);
  if (!found)
    throw new ConfigError([
      folder === undefined
        ? 'SERVICEBUS_CONNECTION and RECORDS_CONNECTION are not set, and there is no local system. For a deployment, set both as for the functions (docs/runbook.md has the line); to try the product, run npm start'
        : `--folder ${folder} has no endpoints.json. The folder must belong to a local system (npm start -- --folder ...)`,
    ]);
  const name = `the local system in ${relative(process.cwd(), at) || at} (npm start)`;
  if (found.claim !== null && !(await socketAnswers(found.claim)))
    throw new CliError(
      'not-running',
      exitCodes.unavailable,
      `${capitalized(name)} does not run. Start the system with npm start${folder === undefined ? '' : ` -- --folder ${folder}`}, in another terminal.`,
    );
  return {
    settings: { ...settings, ...found.settings },
    name,
    local: true,
    trustedCertificates: found.trustedCertificates,
  };
}

const capitalized = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

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
