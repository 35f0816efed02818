// @ts-check
import { ArmError, armGetOrNull, groupId, setAzd } from './azure.js';
import { done, HookProblem, say, warn } from './report.js';

const version = 'api-version=2023-07-01';

/**
 * The vault of the environment.
 *
 * @typedef {object} Vault
 * @property {string | null} id null if there is no vault
 * @property {boolean} deleted the deployment recovers the vault, with the secrets that it had
 */

/**
 * Finds the vault of the environment, and makes the deployment recover a deleted vault: a deleted vault keeps its name for 90 days, and a
 * deployment of a new vault with the same name would fail.
 *
 * @param {import('./azure.js').Environment} env
 * @returns {Promise<Vault>}
 */
export async function findVault(env) {
  const vaults = await armGetOrNull(`${groupId(env)}/providers/Microsoft.KeyVault/vaults?${version}`);
  const id = vaults?.value?.find(isOurs(env))?.id ?? null;
  const deleted = id === null && (await isDeleted(env));
  await setAzd(env, 'KEY_VAULT_RECOVER', deleted ? 'true' : env.KEY_VAULT_RECOVER ? 'false' : '');
  if (deleted) done('The deployment recovers the deleted Key Vault of this environment, with its secrets.');
  return { id, deleted };
}

/** @param {import('./azure.js').Environment} env */
const isOurs = (env) => (/** @type {{ tags?: Record<string, string> }} */ resource) =>
  resource.tags?.['azd-env-name'] === env.AZURE_ENV_NAME;

/** @param {import('./azure.js').Environment} env */
async function isDeleted(env) {
  try {
    const found = await armGetOrNull(
      `/subscriptions/${env.AZURE_SUBSCRIPTION_ID}/providers/Microsoft.KeyVault/deletedVaults?${version}`,
    );
    return (found?.value ?? []).some(
      (
        /** @type {{ properties: { vaultId: string, location: string, tags?: Record<string, string> } }} */ {
          properties,
        },
      ) =>
        isOurs(env)(properties) &&
        properties.location === env.AZURE_LOCATION &&
        properties.vaultId.toLowerCase().startsWith(`${groupId(env)}/`.toLowerCase()),
    );
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    warn(
      `Deleted Key Vaults cannot be listed (${error.message}). A vault that azd down has deleted may stop the deployment.`,
    );
    return false;
  }
}

/**
 * Checks that the deployment finds each secret that the functions need: given now, or in the vault already.
 *
 * @param {import('./azure.js').Environment} env
 * @param {Vault} vault
 */
export async function checkSecrets(env, vault) {
  if (!env.NEW_BALENA_API_KEY) {
    if (env.BALENA_API_KEY)
      say(
        '  BALENA_API_KEY is not used: only NEW_BALENA_API_KEY of the azd environment goes into Key Vault.',
      );
    await checkSecret(vault, 'BALENA-API-KEY', 'balena API key', 'NEW_BALENA_API_KEY');
  }
  if (env.WEBHOOKS === 'true' && !env.NEW_WEBHOOK_SECRETS)
    await checkSecret(vault, 'WEBHOOK-SECRETS', 'secret of webhooks', 'NEW_WEBHOOK_SECRETS');
}

/**
 * @param {Vault} vault
 * @param {string} name
 * @param {string} what
 * @param {string} variable
 */
async function checkSecret({ id, deleted }, name, what, variable) {
  if (deleted)
    return warn(`Whether the recovered vault has the secret ${name} is seen after the deployment.`);
  // The names of secrets are readable with the rights of a deployment; the values are not.
  if (id !== null && (await armGetOrNull(`${id}/secrets/${name}?${version}`)))
    return done(`The vault has the secret ${name}.`);
  throw new HookProblem(
    `There is no ${what}: neither a new one nor one in Key Vault.`,
    `azd env set ${variable} <value>. The deployment stores the value in Key Vault, and then removes it from the azd environment.`,
  );
}
