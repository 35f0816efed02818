import { createHash } from 'node:crypto';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';
import { Unauthorized } from './errors.js';

export type ProofMode = 'off' | 'accepted' | 'required';

/**
 * Is the caller the device that it asks for? Its own API key says so: balena's `whoami` names the device that it belongs to.
 *
 * @param authorization the header `Authorization: Bearer <device API key>`
 * @throws Unauthorized if the proof is wrong, or missing where it is required; ProvisioningError `balena-…` if balena does not
 * say: never a pass
 */
export type Proof = (uuid: string, authorization: string | null) => Promise<void>;

export interface ProofOptions {
  mode: ProofMode;
  /** With a slash at its end. */
  apiUrl: string;
  clock: Clock;
  callTimeoutMs?: number;
}

/** A device asks again and again until it has its credentials: one question to balena a minute is enough. */
const trustedMs = 60_000;
const mostTrusted = 100_000;

export function openProof({ mode, apiUrl, clock, callTimeoutMs = 5_000 }: ProofOptions): Proof {
  // Both by hash: the key itself is kept nowhere.
  const trusted = new Map<string, number>();
  const asking = new Map<string, Promise<boolean>>();

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
    // Those who ask at the same time share one question.
    const answer = asking.get(hash) ?? isDevice(uuid, key).finally(() => asking.delete(hash));
    asking.set(hash, answer);
    if (!(await answer)) throw wrongProof();
    for (const [other, until] of trusted) {
      if (until > now && trusted.size < mostTrusted) break;
      trusted.delete(other);
    }
    trusted.set(hash, now + trustedMs);
  };

  async function isDevice(uuid: string, key: string): Promise<boolean> {
    // Plain fetch: the SDK remembers the first answer.
    const headers = { authorization: `Bearer ${key}` };
    const answer = await ask(`${apiUrl}actor/v1/whoami`, headers, callTimeoutMs);
    if (answer.status === 401 || answer.status === 403) return false;
    const { actorType, uuid: actor } = answer.body;
    // Both: users and fleets have keys, too.
    return actorType === 'device' && typeof actor === 'string' && actor.toLowerCase() === uuid;
  }
}

async function ask(url: string, headers: Record<string, string>, ms: number) {
  const unavailable = (why: string) =>
    new ProvisioningError(
      'balena-unavailable',
      `balena cannot be asked whether the device is itself (${why}).`,
      {
        retry: 'later',
      },
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
    'The API key in the Authorization header is not that of this device.',
  );
}
