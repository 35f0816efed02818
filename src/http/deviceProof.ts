import { createHash } from 'node:crypto';
import { whoami } from '../balena/whoami.js';
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
    if (!key) throw wrong();
    const hash = createHash('sha256').update(`${uuid} ${key}`).digest('base64');
    const now = clock.now();
    if ((trusted.get(hash) ?? 0) > now) return;
    trusted.delete(hash);
    // Those who ask at the same time share one question.
    const answer = asking.get(hash) ?? isDevice(uuid, key).finally(() => asking.delete(hash));
    asking.set(hash, answer);
    if (!(await answer)) throw wrong();
    for (const [other, until] of trusted) {
      if (until > now && trusted.size < mostTrusted) break;
      trusted.delete(other);
    }
    trusted.set(hash, now + trustedMs);
  };

  async function isDevice(uuid: string, key: string): Promise<boolean> {
    try {
      const actor = await whoami({ apiUrl, apiKey: key, callTimeoutMs });
      // Users and fleets have keys, too.
      return actor.actorType === 'device' && actor.uuid?.toLowerCase() === uuid;
    } catch (error) {
      const { code, message } = ProvisioningError.from(error);
      if (code === 'balena-unauthorized') return false;
      throw new ProvisioningError(
        'balena-unavailable',
        `The API key of the device could not be checked. ${message}`,
        { cause: error },
      );
    }
  }
}

function wrong(): Unauthorized {
  return new Unauthorized(
    'provision.proof-wrong',
    'The API key in the Authorization header is not that of this device.',
  );
}
