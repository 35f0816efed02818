import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BalenaEndpoints } from '../simulators/balena/startBalena.js';
import type { IotHubEndpoints } from '../simulators/iothub/startIotHub.js';

/**
 * Content of `.local/endpoints.json`: the addresses and keys of the running system. A real dependency has no entry,
 * only simulators have.
 */
export interface Endpoints {
  /**
   * Settings of the functions that other processes need too (the CLI, for example). None of the settings is a secret.
   */
  settings: Record<string, string>;
  functions: { url: string; provisionKey: string; deprovisionKey: string; opsKey: string };
  serviceBus?: { connectionString: string; queue: string; caFile?: string; controlUrl?: string };
  tables?: { connectionString: string; controlUrl?: string };
  iotHub?: IotHubEndpoints;
  balena?: BalenaEndpoints;
}

/**
 * Returns the access keys of the local host. The first call makes the keys and later calls return the same keys. Each
 * function with callers of its own has a key of its own, as in Azure: the key of a fleet can provision but cannot
 * delete.
 *
 * @param file of the keys, in the host's format
 */
export async function functionKeys(file: string): Promise<Omit<Endpoints['functions'], 'url'>> {
  try {
    const { functions } = JSON.parse(await readFile(file, 'utf8'));
    return {
      provisionKey: functions.provision.default,
      deprovisionKey: functions.deprovision.default,
      opsKey: functions.ops.default,
    };
  } catch {
    const key = () => randomBytes(24).toString('base64url');
    const [provisionKey, deprovisionKey, opsKey] = [key(), key(), key()];
    const functions = {
      provision: { default: provisionKey },
      deprovision: { default: deprovisionKey },
      health: { default: opsKey },
      ops: { default: opsKey },
    };
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify({ master: key(), host: { default: key() }, functions }), {
      mode: 0o600,
    });
    return { provisionKey, deprovisionKey, opsKey };
  }
}

/** The next things to try in a newly started system, as commands ready to paste. */
export function nextSteps({ functions, balena }: Endpoints, folder: string): string {
  const { url, provisionKey, deprovisionKey, opsKey } = functions;
  const uuid = balena?.devices[1]?.uuid ?? '<uuid of a device>';
  const cli = folder === '.local' ? 'npx provisioner' : `npx provisioner --folder '${folder}'`;
  const json = `-H 'content-type: application/json' -d '{"uuid": "${uuid}", "balena_service": "main"}'`;
  const examples = [
    ['Request credentials', `curl -i -X POST '${url}/api/provision?code=${provisionKey}' ${json}`],
    ['Read the state', `curl -s '${url}/api/provision/${uuid}' -H 'x-functions-key: ${provisionKey}'`],
    [
      'Deprovision the device',
      `curl -i -X DELETE '${url}/api/provision/${uuid}' -H 'x-functions-key: ${deprovisionKey}'`,
    ],
    ['Check the health', `curl -s '${url}/api/health' -H 'x-functions-key: ${opsKey}'`],
    ['Ask the CLI for the state of the system, and for a check of all parts', `${cli} status; ${cli} doctor`],
    ["Open the operator's page in a browser", `${url}/api/ops (key: ${opsKey})`],
    ...(balena
      ? [
          ['Simulate a new device with Cloud Relay', 'npm run device -- --new'],
          ['Simulate a new device with an own key', 'npm run device -- --own-key --new'],
        ]
      : []),
  ];
  const lines = examples.map(([what, command]) => `  ${what}:\n    ${command}`).join('\n');
  return ` Try next, in another terminal:\n${lines}\n  All addresses and keys: ${join(folder, 'endpoints.json')}. Stop with Ctrl-C.\n`;
}
