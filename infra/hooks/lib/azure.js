// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { numberOf } from './numberOf.js';
import { HookProblem } from './report.js';
import { run } from './run.js';

/**
 * The azd environment, as azd hands it to a hook: parameters of the next deployment, outputs of the last one.
 *
 * @typedef {Record<string, string | undefined>} Environment
 */

/** az itself waits for ever for an answer that does not come. */
const limitMs = numberOf('HOOK_AZ_SECONDS', 120) * 1_000;
const retryMs = numberOf('HOOK_RETRY_SECONDS', 5) * 1_000;
const mostTries = 4;

/**
 * Checks that the Azure CLI is installed and knows the subscription of the environment. The Azure CLI answers from its own files, so a
 * sign-in that has expired is noticed only by the first request.
 *
 * @param {Environment} env
 */
export async function checkAz(env) {
  const subscription = env.AZURE_SUBSCRIPTION_ID;
  const which = subscription ? ['--subscription', subscription] : [];
  const { code, stderr } = await run('az', ['account', 'show', ...which, '--output', 'json'], { limitMs });
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

/** What az prints if it has no valid sign-in: https://github.com/Azure/azure-cli, azure/cli/core/auth/util.py. */
const signedOut =
  /az login|AADSTS\d+|(Invalid|Expired)AuthenticationToken|AuthenticationFailed|interaction_required/i;
/** Answers of Azure, and failures of the connection, that often pass. */
const transient =
  /\b(Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out|Request Time-?out)\b/i;
const noConnection =
  /Max retries exceeded|Failed to (resolve|establish)|Connection (aborted|reset|refused)|ConnectionError|Name or service not known|getaddrinfo|timed out|SSLError|ProxyError/i;
/** A subscription that never had a resource of a provider answers so. A deployment registers the provider. */
const unregistered = /MissingSubscriptionRegistration|SubscriptionNotRegistered/;

/** An error of Azure Resource Manager, or of the way to it. */
export class ArmError extends Error {
  /** @param {string} text what az has printed as error */
  constructor(text) {
    super(lineOf(text));
    this.isMissing =
      /\bNot Found\(|ResourceNotFound|ResourceGroupNotFound/.test(text) || unregistered.test(text);
    this.isForbidden = /\bForbidden\(|AuthorizationFailed/.test(text);
    this.isSignedOut = !this.isForbidden && signedOut.test(text);
    this.isPassing = transient.test(text) || noConnection.test(text);
    /** The next step of the operator. */
    this.todo = todoOf(this, text);
  }
}

/**
 * The line of the error. az prints warnings, and after an unexpected error a stack trace, too.
 *
 * @param {string} text
 */
function lineOf(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const errors = lines.filter((line) => /^ERROR: /.test(line) && !/Here is the traceback/.test(line));
  const [line = lines.find(Boolean) ?? 'az printed nothing'] = errors;
  return line.replace(/^ERROR: /, '');
}

/**
 * @param {ArmError} error
 * @param {string} text
 */
function todoOf({ isForbidden, isSignedOut }, text) {
  if (isSignedOut)
    return 'run az login, with the account that azd uses (azd auth login --check-status), then the same command again.';
  if (isForbidden)
    return 'get the role Owner of the resource group or the subscription. az account show prints the account that the hooks use.';
  if (noConnection.test(text))
    return 'connect this machine to Azure (network, proxy), then run the same command again.';
  return 'run the command again.';
}

/**
 * Sends a request to Azure Resource Manager, in the cloud that the Azure CLI is signed in to. A request that fails for a passing cause is
 * sent again: all requests of the hooks have the same effect a second time.
 *
 * @param {'get' | 'post' | 'delete'} method
 * @param {string} path with the api-version, such as `/subscriptions/…?api-version=…`
 * @returns {Promise<any>} the body of the answer; null without a body
 * @throws {ArmError}
 */
export async function arm(method, path) {
  const args = ['rest', '--method', method, '--url', path, '--output', 'json'];
  for (let tries = 1; ; tries += 1) {
    const { code, stdout, stderr } = await run('az', args, { limitMs });
    if (code === 0) return bodyOf(stdout);
    const error = new ArmError(
      code === 124 ? `ERROR: az rest timed out after ${limitMs / 1_000} seconds.` : stderr,
    );
    if (!error.isPassing || error.isSignedOut || tries === mostTries) throw error;
    await sleep(retryMs * tries);
  }
}

/** @param {string} stdout */
function bodyOf(stdout) {
  if (stdout.trim() === '') return null;
  try {
    return JSON.parse(stdout);
  } catch {
    throw new ArmError('ERROR: az rest printed no JSON.');
  }
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
