import { ProvisioningError } from '../shared/errors.js';
import { withDeadline } from '../shared/network.js';
import { mapBalenaError } from './errors.js';

/** The owner of an API key. */
export interface Actor {
  /** `user`, `application` (a fleet's provisioning key) or `device`. */
  actorType: string;
  /** The uuid of a device; null for other actors. */
  uuid: string | null;
}

/** The connection to balena for a request without the SDK. */
export interface BalenaRequestOptions {
  /** The URL of the API, with a slash at the end. */
  apiUrl: string;
  apiKey: string;
  /** The longest time for one request, ms. */
  callTimeoutMs: number;
}

/**
 * Asks balena for the owner of an API key, with one request. The balena SDK is not used here, because the SDK remembers the first
 * answer for ever.
 *
 * @throws ProvisioningError `balena-unauthorized` if balena rejects the key; `balena-…`, `timed-out`
 */
export async function whoami(options: BalenaRequestOptions): Promise<Actor> {
  const body = await requestBalena(options, 'actor/v1/whoami', {}, (response) =>
    response.json().catch(() => null),
  );
  const { actorType, uuid } = (body ?? {}) as { actorType?: unknown; uuid?: unknown };
  if (typeof actorType !== 'string')
    throw new ProvisioningError(
      'balena-unavailable',
      'The response did not come from balena: check BALENA_API_URL.',
      { dependency: 'balena' },
    );
  return { actorType, uuid: typeof uuid === 'string' ? uuid : null };
}

/**
 * One request to balena's API without the SDK.
 *
 * @param path relative to `apiUrl`
 * @param read reads the body of a successful response, within the same deadline
 * @throws ProvisioningError `balena-…`, `timed-out`. Errors of fetch name the URL and no header
 */
export async function requestBalena<R>(
  { apiUrl, apiKey, callTimeoutMs }: BalenaRequestOptions,
  path: string,
  init: RequestInit,
  read: (response: Response) => Promise<R>,
): Promise<R> {
  const headers = {
    authorization: `Bearer ${apiKey}`,
    ...(init.body !== undefined && { 'content-type': 'application/json' }),
  };
  try {
    return await withDeadline(callTimeoutMs, async (signal) => {
      const response = await fetch(apiUrl + path, { ...init, headers, signal });
      if (!response.ok)
        throw mapBalenaError({ statusCode: response.status, responseHeaders: response.headers }, false);
      return read(response);
    });
  } catch (error) {
    throw mapBalenaError(error, false);
  }
}
