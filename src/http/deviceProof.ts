import { createHash } from 'node:crypto';
import { whoami } from '../balena/whoami.js';
import { ProvisioningError } from '../shared/errors.js';
import type { Clock, EpochMs } from '../shared/time.js';
import { Unauthorized } from './errors.js';

/** `off`: no proof. `accepted`: a proof is checked if the caller sends one. `required`: every caller must send a proof. */
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

/** The options of the check. */
export interface ProofOptions {
  mode: ProofMode;
  /** The URL of balena's API, with a slash at the end. */
  apiUrl: string;
  clock: Clock;
  callTimeoutMs?: number;
}

/** A device repeats the request until the credentials arrive. One `whoami` a minute for each device is enough. */
const trustedMs = 60_000;
const maxTrusted = 100_000;

/** Opens the check. Accepted proofs are remembered for a minute. */
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
        'The device must prove its identity: send Authorization: Bearer <its API key> (a container has it as BALENA_API_KEY with the label io.balena.features.balena-api).',
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
    try {
      const actor = await whoami({ apiUrl, apiKey: key, callTimeoutMs });
      // The keys of users and of fleets are valid keys too, but prove no device.
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

function wrongProof(): Unauthorized {
  return new Unauthorized(
    'provision.proof-wrong',
    'The API key in the Authorization header does not belong to this device.',
  );
}
