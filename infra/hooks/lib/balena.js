// @ts-check
import { done, HookProblem, warn } from './report.js';

const deadlineMs = 20_000;

/** Every key sees public applications, for example the host OS. They do not count as fleets of the key (src/balena/client.ts). */
const ownFleets = 'is_public eq false or owns__device/any(d:d/id gt 0)';

/**
 * Checks a new API key: balena knows the key, and the key sees the fleets. The right to write is not checked, because only a write shows it:
 * `provisioner doctor --prove-write`.
 *
 * @param {object} given
 * @param {string} given.apiUrl
 * @param {string} given.apiKey
 * @param {string[]} given.fleets slugs; empty for all fleets that the key sees
 */
export async function checkBalena({ apiUrl, apiKey, fleets }) {
  checkUrl(apiUrl);
  if (!/^[!-~]+$/.test(apiKey))
    throw new HookProblem('NEW_BALENA_API_KEY has blanks or special letters.', renew);
  const actor = await request(apiUrl, apiKey, 'actor/v1/whoami');
  if (actor === null) return;
  if (typeof actor.actorType !== 'string')
    throw new HookProblem(
      `${new URL(apiUrl).host} does not answer as balena does.`,
      'correct BALENA_API_URL in MORE_SETTINGS.',
    );
  const filter = encodeURIComponent(ownFleets);
  const rows = await request(apiUrl, apiKey, `v7/application?$select=slug&$filter=${filter}`);
  if (rows === null) return;
  const seen = /** @type {{ slug: string }[]} */ (Array.isArray(rows.d) ? rows.d : []).map(
    ({ slug }) => slug,
  );
  const unseen = fleets.filter((fleet) => !seen.includes(fleet));
  if (unseen.length > 0)
    throw new HookProblem(
      `The new balena API key does not see ${unseen.join(', ')}.`,
      `correct FLEETS, or give the key's user a role in the fleet. The key sees: ${seen.slice(0, 10).join(', ') || 'no fleet'}.`,
    );
  if (seen.length === 0)
    throw new HookProblem('The new balena API key sees no fleet.', "give the key's user a role in a fleet.");
  done(
    `balena accepts the new API key, which sees ${fleets.length > 0 ? fleets.join(', ') : `${seen.length} fleets`}.`,
  );
}

/**
 * The key goes to this address, so an address without TLS is refused before the first request. The functions have the same rule.
 *
 * @param {string} apiUrl
 */
function checkUrl(apiUrl) {
  const url = URL.canParse(apiUrl) ? new URL(apiUrl) : null;
  const isLocal = url?.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(url.hostname);
  if (url?.protocol === 'https:' || isLocal) return;
  throw new HookProblem(
    'BALENA_API_URL in MORE_SETTINGS is not a URL with https.',
    'correct the value, such as https://api.balena-cloud.com/.',
  );
}

const renew =
  'copy the key again from balenaCloud, Preferences, Access tokens: azd env set NEW_BALENA_API_KEY <key>.';

/**
 * @param {string} apiUrl
 * @param {string} apiKey
 * @param {string} path
 * @returns {Promise<any>} null if this machine cannot reach balena
 */
async function request(apiUrl, apiKey, path) {
  let response;
  try {
    const headers = { authorization: `Bearer ${apiKey}` };
    response = await fetch(new URL(path, apiUrl), { headers, signal: AbortSignal.timeout(deadlineMs) });
    if (response.ok) return await response.json().catch(() => ({}));
  } catch {
    warn(`The new balena API key is not checked, because this machine cannot reach ${new URL(apiUrl).host}.`);
    return null;
  }
  if (response.status === 401 || response.status === 403)
    throw new HookProblem('balena rejects the new API key.', renew);
  warn(
    `The new balena API key is not checked, because ${new URL(apiUrl).host} answers with status ${response.status}.`,
  );
  return null;
}
