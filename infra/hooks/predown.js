// @ts-check
import { arm, armGetOrNull, checkAz, groupId, groupName } from './lib/azure.js';
import { HookProblem, warn } from './lib/report.js';
import { runHook } from './lib/runHook.js';

// azd runs this hook before `azd down` deletes the whole resource group.
await runHook(async () => {
  const env = process.env;
  if (!env.AZURE_SUBSCRIPTION_ID) return;
  await checkAz(env);
  const found = await armGetOrNull(
    `${groupId(env)}/providers/Microsoft.Devices/IotHubs?api-version=2023-06-30`,
  );
  for (const hub of found?.value ?? []) await checkHub(env, hub);
});

/**
 * @param {import('./lib/azure.js').Environment} env
 * @param {{ id: string, name: string, tags?: Record<string, string> }} hub
 */
async function checkHub(env, { id, name, tags }) {
  const group = groupName(env);
  if (tags?.['azd-env-name'] !== env.AZURE_ENV_NAME)
    throw new HookProblem(
      `azd down would delete the hub ${name}, which azd has not created: it is in the resource group ${group}.`,
      `move the hub to another group: az resource move --destination-group <group> --ids ${id}.`,
    );
  const { value } = await arm('get', `${id}/providers/Microsoft.Authorization/locks?api-version=2020-05-01`);
  const locks = value.filter((/** @type {{ id: string }} */ lock) =>
    lock.id.toLowerCase().startsWith(id.toLowerCase()),
  );
  if (locks.length > 0)
    throw new HookProblem(
      `azd down would delete the hub ${name} with the identities of all devices. A lock protects the hub. Nothing was deleted.`,
      `if no device needs the hub, az lock delete --ids ${locks.map((/** @type {{ id: string }} */ lock) => lock.id).join(' ')}, then azd down. To keep the hub: docs/azure.md.`,
    );
  warn(`azd down deletes the hub ${name} with the identities of all devices: the hub has no lock.`);
}
