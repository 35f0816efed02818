// @ts-check
import { armGetOrNull, groupId, groupName, setAzd } from './azure.js';
import { done, HookProblem, warn } from './report.js';

const version = 'api-version=2023-06-30';
const groupVersion = 'api-version=2025-04-01';
/** src/iothub/quotas.ts knows the rates of these tiers. */
const knownTiers = ['F1', 'B1', 'B2', 'B3', 'S1', 'S2', 'S3'];

/**
 * Checks that the hub which the environment names exists. Without a name, finds the hub that an earlier deployment has created: a deployment
 * from another computer would otherwise write the hub again, and could revert its units and routes.
 *
 * @param {import('./azure.js').Environment} env
 */
export async function checkHub(env) {
  if (env.EXISTING_IOT_HUB_RESOURCE_GROUP && !env.EXISTING_IOT_HUB)
    throw new HookProblem(
      'EXISTING_IOT_HUB_RESOURCE_GROUP is set, and EXISTING_IOT_HUB is not: the deployment would not use a hub of that group.',
      'azd env set EXISTING_IOT_HUB <name of the hub>, or azd env set EXISTING_IOT_HUB_RESOURCE_GROUP "".',
    );
  const named = env.EXISTING_IOT_HUB || env.CREATED_IOT_HUB;
  if (!named) {
    const found = await findCreated(env);
    if (found === null) return;
    checkState(found);
    await setAzd(env, 'CREATED_IOT_HUB', found.name);
    done(`An earlier deployment has created the hub ${found.name}, which stays as it is.`);
    return checkTier(env, found);
  }
  const group = (env.EXISTING_IOT_HUB && env.EXISTING_IOT_HUB_RESOURCE_GROUP) || groupName(env);
  const hub = await armGetOrNull(
    `${groupId(env, group)}/providers/Microsoft.Devices/IotHubs/${named}?${version}`,
  );
  if (
    hub === null &&
    !env.EXISTING_IOT_HUB &&
    (await armGetOrNull(`${groupId(env)}?${groupVersion}`)) === null
  ) {
    // After `azd down`, the value may come from a shell that has read the azd environment before.
    await setAzd(env, 'CREATED_IOT_HUB', '');
    return done(`The hub ${named} is deleted with its resource group. The deployment creates a new hub.`);
  }
  if (hub === null)
    throw new HookProblem(
      `The hub ${named} is not in the resource group ${group}.`,
      env.EXISTING_IOT_HUB
        ? 'correct EXISTING_IOT_HUB (the name, without a domain) and EXISTING_IOT_HUB_RESOURCE_GROUP with azd env set.'
        : 'if the hub was deleted, azd env set CREATED_IOT_HUB "": the deployment then creates a new hub.',
    );
  checkState(hub);
  done(`The hub ${named} exists, and stays as it is.`);
  checkTier(env, hub);
}

/** @param {import('./azure.js').Environment} env */
async function findCreated(env) {
  const hubs = await armGetOrNull(`${groupId(env)}/providers/Microsoft.Devices/IotHubs?${version}`);
  return (
    hubs?.value?.find(
      (/** @type {{ tags?: Record<string, string> }} */ { tags }) =>
        tags?.['azd-env-name'] === env.AZURE_ENV_NAME,
    ) ?? null
  );
}

/**
 * A deployment that was interrupted may have left a hub that is not ready, and the deployment uses a hub that exists as it is.
 *
 * @param {{ id: string, name: string, properties?: { state?: string } }} hub
 */
function checkState({ id, name, properties }) {
  const state = properties?.state ?? 'Active';
  if (state === 'Active') return;
  throw new HookProblem(
    `The hub ${name} is in the state ${state}, and not Active.`,
    `wait until az resource show --ids ${id} --query properties.state prints "Active". If the creation has failed, and no device uses the hub: az resource delete --ids ${id}, and azd env set CREATED_IOT_HUB "".`,
  );
}

/**
 * @param {import('./azure.js').Environment} env
 * @param {{ name: string, sku: { name: string } }} hub
 */
function checkTier(env, { name, sku }) {
  if (knownTiers.includes(sku.name) || Number(env.IOTHUB_OPERATIONS_PER_MINUTE ?? 0) > 0) return;
  warn(
    `The hub ${name} has the tier ${sku.name}, whose rate is not known: 100 registry operations a minute are assumed.\n` +
      '  To do: azd env set IOTHUB_OPERATIONS_PER_MINUTE <registry operations a minute that this hub allows>.',
  );
}
