// @ts-check
import { readFile } from 'node:fs/promises';
import { armGetOrNull, checkAz, groupId, groupName } from './lib/azure.js';
import { checkBalena } from './lib/balena.js';
import { checkHub } from './lib/hub.js';
import { checkValues, readParameters } from './lib/parameters.js';
import { done, HookProblem, warn } from './lib/report.js';
import { asProblem, runHook } from './lib/runHook.js';
import { checkSecrets, findVault } from './lib/vault.js';

// azd runs this hook before it creates or changes resources. A fault that the hook finds would otherwise let the deployment succeed, and the
// functions would not work.
// The outputs of an earlier deployment do not decide where the next one goes.
await runHook(() => checkAll({ ...process.env, AZURE_RESOURCE_GROUP: undefined }));

/** @param {import('./lib/azure.js').Environment} env */
async function checkAll(env) {
  /** @type {(() => Promise<void>)[]} */
  const checks = [
    async () => checkValues(env, await readParameters()),
    async () => checkMoreSettings(env.MORE_SETTINGS ?? ''),
    () => checkRegion(env),
    async () => {
      if (!env.AZURE_SUBSCRIPTION_ID) return checkSecrets(env, { id: null, deleted: false });
      await checkAz(env);
      await checkGroup(env);
      await checkHub(env);
      await checkSecrets(env, await findVault(env));
    },
    async () => {
      const settings = settingsOrNull(env.MORE_SETTINGS ?? '');
      if (!env.NEW_BALENA_API_KEY || settings === null) return;
      const apiUrl = settings.BALENA_API_URL ?? 'https://api.balena-cloud.com/';
      const fleets = (env.FLEETS ?? '').split(',').map((slug) => slug.trim().toLowerCase());
      await checkBalena({ apiUrl, apiKey: env.NEW_BALENA_API_KEY, fleets: fleets.filter(Boolean) });
    },
  ];
  /** @type {HookProblem[]} */
  const problems = [];
  for (const check of checks) await check().catch((error) => problems.push(asProblem(error)));
  if (problems.length > 0)
    throw new HookProblem(
      problems.map(({ message }) => message).join('\n✗ '),
      'repair the above, then run the same azd command again. Nothing was created or changed.',
    );
}

/**
 * @param {string} text a JSON object of texts; may be empty
 * @returns {Record<string, string> | null} null if the text has another form
 */
function settingsOrNull(text) {
  if (text === '') return {};
  try {
    const value = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject && Object.values(value).every((each) => typeof each === 'string') ? value : null;
  } catch {
    return null;
  }
}

/** @param {string} text */
function checkMoreSettings(text) {
  const value = settingsOrNull(text);
  if (value === null)
    throw new HookProblem(
      'MORE_SETTINGS is not a JSON object of texts.',
      `correct the value, such as: azd env set MORE_SETTINGS '{"RENEW_AT": "0.7"}'. PowerShell before 7.3 needs \\" in the place of each inner ".`,
    );
  for (const name of ['BALENA_API_KEY', 'WEBHOOK_SECRETS'])
    if (name in value)
      throw new HookProblem(
        `MORE_SETTINGS has ${name}, which would be readable in the settings of the functions.`,
        `remove ${name} from MORE_SETTINGS, and azd env set NEW_${name} <value>: Key Vault stores the value.`,
      );
  for (const [name, each] of Object.entries(value))
    if (/(SharedAccessKey|AccountKey|SharedAccessSignature)=/i.test(each))
      throw new HookProblem(
        `MORE_SETTINGS has a key in ${name}, which would be readable in the settings of the functions.`,
        `remove ${name} from MORE_SETTINGS: the functions use their managed identity.`,
      );
}

/** @param {import('./lib/azure.js').Environment} env */
async function checkRegion(env) {
  const main = await readFile(new URL('../main.bicep', import.meta.url), 'utf8');
  const [, list = ''] = /@allowed\(\[([^\]]*)\]\)\s*@metadata\([^)]*\)\s*param location /.exec(main) ?? [];
  const regions = [...list.matchAll(/'(\w+)'/g)].map(([, region]) => region);
  const region = env.AZURE_LOCATION;
  if (!region || regions.includes(region)) return;
  const meant = region.toLowerCase().replaceAll(' ', '');
  if (regions.includes(meant))
    throw new HookProblem(
      `AZURE_LOCATION is ${region}, and the deployment needs the name of the region in Azure.`,
      `azd env set AZURE_LOCATION ${meant}.`,
    );
  throw new HookProblem(
    `The region ${region} is not known to have Flex Consumption, on which the functions run.`,
    `azd env set AZURE_LOCATION to one of: ${regions.join(' ')}. If az functionapp list-flexconsumption-locations prints your region, add it to infra/main.bicep.`,
  );
}

/** @param {import('./lib/azure.js').Environment} env */
async function checkGroup(env) {
  const group = await armGetOrNull(`${groupId(env)}?api-version=2025-04-01`);
  if (group === null) return;
  if (!env.AZURE_LOCATION)
    return warn(`AZURE_LOCATION is not set; the resource group is in ${group.location}.`);
  if (group.location === env.AZURE_LOCATION)
    return done(`The resource group ${groupName(env)} is in ${group.location}.`);
  throw new HookProblem(
    `The resource group ${groupName(env)} is in ${group.location}, and a group cannot change its region.`,
    `azd env set AZURE_LOCATION ${group.location}, or azd env set AZURE_RESOURCE_GROUP_NAME <another name>, or azd env new.`,
  );
}
