// @ts-check
import { HookProblem } from './report.js';
import { run } from './run.js';

/**
 * The azd environment, as azd hands it to a hook: parameters of the next deployment, outputs of the last one.
 *
 * @typedef {Record<string, string | undefined>} Environment
 */

/**
 * Checks that the Azure CLI is installed and reads the subscription of the environment.
 *
 * @param {Environment} env
 */
export async function checkAz(env) {
  const subscription = env.AZURE_SUBSCRIPTION_ID;
  const { code, stderr } = await run('az', [
    'account',
    'show',
    ...(subscription ? ['--subscription', subscription] : []),
    '--output',
    'json',
  ]);
  if (code === 0) return;
  if (code === 127 || /not recognized|not found$/m.test(stderr.trim()))
    throw new HookProblem('The Azure CLI (az) is not installed.', 'install the Azure CLI, and run az login.');
  throw new HookProblem(
    subscription
      ? `The Azure CLI cannot read the subscription ${subscription}.`
      : 'The Azure CLI has no account.',
    'run az login, with an account that sees the subscription.',
  );
}

/** An error of Azure Resource Manager. */
export class ArmError extends Error {
  /** @param {string} text the error that az has printed */
  constructor(text) {
    super(text.trim().split('\n')[0]);
    this.isMissing = /\bNot Found\(|ResourceNotFound|ResourceGroupNotFound/.test(text);
    this.isForbidden = /\bForbidden\(|AuthorizationFailed/.test(text);
  }
}

/**
 * Sends a request to Azure Resource Manager, in the cloud that the Azure CLI is signed in to.
 *
 * @param {'get' | 'post' | 'delete'} method
 * @param {string} path with the api-version, such as `/subscriptions/…?api-version=…`
 * @returns {Promise<any>} the body of the answer; null without a body
 * @throws {ArmError}
 */
export async function arm(method, path) {
  const { code, stdout, stderr } = await run('az', [
    'rest',
    '--method',
    method,
    '--url',
    path,
    '--output',
    'json',
  ]);
  if (code !== 0) throw new ArmError(stderr);
  return stdout.trim() === '' ? null : JSON.parse(stdout);
}

/**
 * Reads a resource.
 *
 * @param {string} path
 * @returns {Promise<any>} null if the resource does not exist
 * @throws {ArmError}
 */
export async function armGetOrNull(path) {
  try {
    return await arm('get', path);
  } catch (error) {
    if (error instanceof ArmError && error.isMissing) return null;
    throw error;
  }
}

/**
 * Sets a value of the azd environment, unless it has the value.
 *
 * @param {Environment} env changed, too
 * @param {string} name
 * @param {string} value
 */
export async function setAzd(env, name, value) {
  if ((env[name] ?? '') === value) return;
  const { code, stderr } = await run('azd', ['env', 'set', name, value]);
  if (code !== 0)
    throw new HookProblem(
      `azd cannot set ${name} in its environment: ${stderr.trim().split('\n')[0]}`,
      `run azd env set ${name} ${value === '' ? '""' : value}, then the same command again.`,
    );
  env[name] = value;
}

/** @param {Environment} env */
export const groupName = (env) =>
  env.AZURE_RESOURCE_GROUP || env.AZURE_RESOURCE_GROUP_NAME || `rg-${env.AZURE_ENV_NAME}`;

/**
 * @param {Environment} env
 * @param {string} [group]
 */
export const groupId = (env, group = groupName(env)) =>
  `/subscriptions/${env.AZURE_SUBSCRIPTION_ID}/resourceGroups/${group}`;
