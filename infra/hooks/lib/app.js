// @ts-check
import { ArmError, arm, groupId } from './azure.js';
import { done, HookProblem } from './report.js';
import { pollMs, waitFor } from './wait.js';

const version = 'api-version=2024-11-01';
/** The time from one refresh to the next, while the functions still miss a secret. */
const againMs = 6 * pollMs;
/** A wrong setting that the functions name for so long stays wrong: an instance with the former settings has ended by then. */
const settledMs = 12 * pollMs;

/** The functions of every deployment. A function of these is missing while the host cannot load the code. */
export const expectedFunctions = [
  ...[
    'deprovision',
    'health',
    'openApi',
    'operators',
    'ops',
    'opsPage',
    'provision',
    'redrive',
    'sample',
    'worker',
  ],
];

/** @param {import('./azure.js').Environment} env */
export const appId = (env) => `${groupId(env)}/providers/Microsoft.Web/sites/${env.AZURE_FUNCTION_APP}`;

/**
 * Refreshes the references to Key Vault until all of them are resolved. A new role works after up to ten minutes.
 *
 * @param {string} app
 */
export async function resolveReferences(app) {
  await waitFor(async () => {
    try {
      await arm('post', `${app}/config/configreferences/appsettings/refresh?${version}`);
      const references = listOf(await arm('get', `${app}/config/configreferences/appsettings?${version}`));
      const open = references.filter(
        (/** @type {Reference} */ { properties }) => properties.status !== 'Resolved',
      );
      checkMissing(open);
      if (open.length === 0) return null;
      return `Key Vault does not yet give ${open.map((/** @type {Reference} */ { name, properties }) => `${name} (${properties.status})`).join(', ')}.`;
    } catch (error) {
      return failed(error);
    }
  }, 'check the role Key Vault Secrets User of the function app on the vault (docs/runbook.md, "Secrets"), then azd deploy.');
  done('Key Vault gives all secrets.');
}

/**
 * @typedef {{ name: string, properties: { status: string } }} Reference
 */

/**
 * The rows of a list. Another form of the answer is a fault, and not an empty list.
 *
 * @param {any} body
 * @returns {any[]}
 * @throws {ArmError}
 */
function listOf(body) {
  if (Array.isArray(body?.value)) return body.value;
  throw new ArmError('ERROR: Azure answered with another form than a list.');
}

/** @param {Reference[]} open */
function checkMissing(open) {
  for (const { name, properties } of open)
    if (/^Secret(Version)?NotFound$/.test(properties.status))
      throw new HookProblem(
        `Key Vault has no secret for the setting ${name}.`,
        `azd env set NEW_${name} <value>, then azd up.`,
      );
}

/**
 * What is missing after a request has failed. Time repairs neither a sign-in nor the rights of an operator.
 *
 * @param {unknown} error
 * @returns {string}
 */
function failed(error) {
  if (error instanceof ArmError && !error.isSignedOut && !error.isForbidden)
    return `A request to Azure failed: ${error.message}`;
  throw error;
}

/** @param {string} app */
export async function restart(app) {
  await waitFor(async () => {
    try {
      await arm('post', `${app}/restart?${version}`);
      return null;
    } catch (error) {
      return failed(error);
    }
  }, 'restart the function app: az functionapp restart.');
  done('The functions are restarted, and read the secrets.');
}

/** @param {string} app */
export async function listFunctions(app) {
  await waitFor(async () => {
    try {
      const functions = listOf(await arm('get', `${app}/functions?${version}`));
      const names = functions.map((/** @type {{ name: string }} */ { name }) => name.split('/').at(-1));
      const missing = expectedFunctions.filter((name) => !names.includes(name));
      return missing.length === 0 ? null : `The functions ${missing.join(', ')} are not listed yet.`;
    } catch (error) {
      return failed(error);
    }
  }, 'look for an error of the start: docs/azure.md, "If no function is listed", and docs/runbook.md, "messages-waiting".');
  done('The functions are listed.');
}

/**
 * Requests the health of the deployment, with the function's own key, until the answer is 200. An instance may have read its settings before the
 * role worked, so the references are refreshed again while the answer names one. A wrong setting ends the wait early.
 *
 * @param {string} app
 * @param {string} url
 */
export async function waitForHealth(app, url) {
  let refreshedAt = Date.now();
  let wrongSince = Infinity;
  await waitFor(async () => {
    try {
      const missing = await readHealth(
        url,
        keyOf(await arm('post', `${app}/functions/health/listkeys?${version}`)),
      );
      const isUnresolved = missing?.includes('unresolved Key Vault reference');
      wrongSince =
        missing?.includes('configuration: ') && !isUnresolved ? Math.min(wrongSince, Date.now()) : Infinity;
      if (missing && Date.now() - wrongSince >= settledMs)
        throw new HookProblem(missing, 'correct the settings with azd env set, then azd up.');
      if (isUnresolved && Date.now() - refreshedAt >= againMs) {
        await arm('post', `${app}/config/configreferences/appsettings/refresh?${version}`);
        await arm('post', `${app}/restart?${version}`);
        refreshedAt = Date.now();
      }
      return missing;
    } catch (error) {
      return failed(error);
    }
  }, 'repair what the line names (docs/runbook.md), then azd deploy.');
  done('GET /api/health answers 200: queue, records and settings work.');
}

/**
 * The key with the name `default`. An operator may have replaced it by a key of another name.
 *
 * @param {Record<string, string> | null} keys by name
 */
function keyOf(keys) {
  const key = keys?.default ?? Object.values(keys ?? {})[0];
  if (key) return key;
  throw new HookProblem(
    'The function health has no key.',
    'az functionapp function keys set --function-name health --key-name default, with --resource-group and --name. Then azd hooks run postdeploy.',
  );
}

/**
 * @param {string} url
 * @param {string} key
 * @returns {Promise<string | null>} null if the deployment is healthy
 */
async function readHealth(url, key) {
  try {
    const headers = { 'x-functions-key': key };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(30_000) });
    if (response.status === 200) return null;
    const lines = (await response.text()).split('\n').filter((text) => text.includes('NOT OK'));
    return `GET /api/health answers ${response.status}${lines.length > 0 ? `: ${lines.join('; ')}` : '.'}`;
  } catch {
    return 'GET /api/health does not answer yet.';
  }
}
