import { createHash } from 'node:crypto';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { Unauthorized } from './errors.js';

export type ProofMode = 'off' | 'accepted' | 'required';

/**
 * Checks whether the caller is the requested device. The caller sends the device's own API key, and balena's `whoami` names the owner
 * of the key.
 *
 * @param authorization the header `Authorization: Bearer <device API key>`
 * @throws Unauthorized `provision.proof-wrong`, `provision.proof-missing`
 * @throws ProvisioningError `balena-unavailable` if balena does not answer; no request passes without an answer
 */
export type Proof = (uuid: string, authorization: string | null) => Promise<void>;

export interface ProofOptions {
  mode: ProofMode;
  /** Ends with a slash. */
  apiUrl: string;
  clock: Clock;
  callTimeoutMs?: number;
}

/** A device repeats the request until the credentials arrive. One `whoami` a minute for each device is enough. */
const trustedMs = 60_000;
const maxTrusted = 100_000;

export function openProof({ mode, apiUrl, clock, callTimeoutMs = 5_000 }: ProofOptions): Proof {
  // The maps have hashes as keys. The API key itself is never kept.
  const trusted = new Map<string, EpochMs>();
  const pending = new Map<string, Promise<boolean>>();

  return async (uuid, authorization) => {
    if (mode === 'off') return;
    if (!authorization) {
      if (mode === 'accepted') return;
      throw new Unauthorized(
        'provision.proof-missing',
        'The device must prove itself: send Authorization: Bearer <its API key> (a container has it as BALENA_API_KEY with the label io.balena.features.balena-api).',
      );
    }
    const key = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization)?.[1];
    if (!key) throw wrongProof();
    const hash = createHash('sha256').update(`${uuid} ${key}`).digest('base64');
    const now = clock.now();
    if ((trusted.get(hash) ?? 0) > now) return;
    trusted.delete(hash);
    // Concurrent requests of a device share one call of whoami.
    const answer = pending.get(hash) ?? isDevice(uuid, key).finally(() => pending.delete(hash));
    pending.set(hash, answer);
    if (!(await answer)) throw wrongProof();
    for (const [other, until] of trusted) {
      if (until > now && trusted.size < maxTrusted) break;
      trusted.delete(other);
    }
    trusted.set(hash, now + trustedMs);
  };

  async function isDevice(uuid: string, key: string): Promise<boolean> {
    // The balena SDK caches the first answer of whoami. Therefore this call uses fetch.
    const headers = { authorization: `Bearer ${key}` };
    const answer = await ask(`${apiUrl}actor/v1/whoami`, headers, callTimeoutMs);
    if (answer.status === 401 || answer.status === 403) return false;
    const { actorType, uuid: actor } = answer.body;
    // The type must be checked too, because users and fleets also have API keys.
    return actorType === 'device' && typeof actor === 'string' && actor.toLowerCase() === uuid;
  }
}

async function ask(url: string, headers: Record<string, string>, ms: number) {
  const unavailable = (why: string) =>
    new ProvisioningError(
      'balena-unavailable',
      `balena cannot be asked whether the device is itself (${why}).`,
    );
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(ms) });
    if (response.status === 401 || response.status === 403) return { status: response.status, body: {} };
    if (!response.ok) throw unavailable(`HTTP ${response.status}`);
    const body: unknown = await response.json();
    if (typeof body !== 'object' || body === null) throw unavailable('no answer');
    return { status: response.status, body: body as Record<string, unknown> };
  } catch (error) {
    // fetch's own errors name the URL and no header; a body that is not JSON is not an answer.
    throw error instanceof ProvisioningError ? error : unavailable('no answer');
  }
}

function wrongProof(): Unauthorized {
  return new Unauthorized(
    'provision.proof-wrong',
    'The API key in the Authorization header does not belong to this device.',
  );
}
