import { createHash } from 'node:crypto';
import type { FleetListing } from '../../balena/listing.js';
import { whoami } from '../../balena/whoami.js';
import { ProvisioningError } from '../../shared/errors.js';
import { openMemory } from '../../shared/memory.js';
import type { Clock } from '../../shared/time.js';
import { Unauthorized } from '../errors.js';
import { openCheckLimit } from './checkLimit.js';
import { openFleetOf } from './fleets.js';
import { openProofThrottle } from './throttle.js';

/** `off`: no proof. `accepted`: a proof is checked if the caller sends one. `required`: every caller must send a proof. */
export type ProofMode = 'off' | 'accepted' | 'required';

/**
 * Checks whether the caller is the requested device, and whether the device's fleet is served. The caller sends the device's own API key.
 * balena's `whoami` names the owner of the key, and our own key reads the fleet of the device.
 *
 * @param authorization the header `Authorization: Bearer <device API key>`
 * @param need `always`: the proof is necessary whatever DEVICE_PROOF says; default: as DEVICE_PROOF says
 * @returns true if the caller has proved to be the device; false if no proof is necessary, and none was checked
 * @throws Unauthorized `provision.proof-wrong`, `provision.proof-missing`, `provision.fleet-not-served`
 * @throws ProvisioningError `balena-unavailable` if balena does not answer, `balena-throttled` if too many proofs wait for a check. No
 * request passes without an answer of balena
 */
export type Proof = (uuid: string, authorization: string | null, need?: 'always') => Promise<boolean>;

/** The options of the check. */
export interface ProofOptions {
  mode: ProofMode;
  /** The URL of balena's API, with a slash at the end. */
  apiUrl: string;
  /** Reads the fleets of devices with our own key. */
  balena: Pick<FleetListing, 'fleetsOf'>;
  /** The slugs of the served fleets; null: every fleet that our key sees. */
  fleets: readonly string[] | null;
  /** The number of API keys that are checked a second, see `CheckLimitOptions`. */
  checksPerSecond: number;
  clock: Clock;
  callTimeoutMs?: number;
}

type Verdict = 'accepted' | 'wrong' | 'not-served';

/** A device repeats the request until the credentials arrive. One check a minute for each proof is enough, also for a refused one. */
const rememberedMs = 60_000;
const knownMs = 24 * 3_600_000;
const mostAccepted = 100_000;
const mostRefused = 10_000;

/** A longer text is never a device's API key, which has 32 characters. */
const bearer = /^Bearer ([\w.~+/=-]{1,256})$/i;

/**
 * Opens the check. Accepted and refused proofs are remembered for a minute. Our own key first reads the fleets of all devices that wait, with one
 * request: an invented UUID costs a hundredth of a request. balena's `whoami` is then called for the devices of served fleets, by turns. Proofs that
 * were accepted within the last day have a limit of their own, so that invented proofs do not delay them.
 */
export function openProof(options: ProofOptions): Proof {
  const { mode, balena, fleets, clock, checksPerSecond } = options;
  // The memories have hashes as keys. The API key itself is never kept.
  const accepted = openMemory<Verdict>(clock, rememberedMs, mostAccepted);
  const refused = openMemory<Verdict>(clock, rememberedMs, mostRefused);
  const known = openMemory<true>(clock, knownMs, mostAccepted);
  const fleetOfDevice = openMemory<string | null>(clock, rememberedMs, mostAccepted);
  const pending = new Map<string, Promise<Verdict>>();
  const openLane = () => ({
    fleetOf: openFleetOf(clock, (uuids) => balena.fleetsOf(uuids)),
    limit: openCheckLimit({ clock, perSecond: checksPerSecond }),
  });
  const lanes = { known: openLane(), unknown: openLane() };
  const throttle = openProofThrottle(clock);

  async function isServed(uuid: string, { fleetOf }: ReturnType<typeof openLane>): Promise<boolean> {
    let fleet = fleetOfDevice.get(uuid);
    if (fleet === undefined) {
      fleet = (await throttle.withOurKey(() => fleetOf(uuid))) ?? null;
      fleetOfDevice.add(uuid, fleet);
    }
    return fleet !== null && (fleets === null || fleets.includes(fleet));
  }

  async function check(hash: string, uuid: string, key: string): Promise<Verdict> {
    const lane = lanes[known.get(hash) ? 'known' : 'unknown'];
    const hashOfKey = hashOf(key);
    const owns = () => throttle.withKeyOfCaller(hashOfKey, () => isOwner(options, uuid, key));
    const verdict = await answered(async () => {
      throttle.expectNoWait(hashOfKey);
      if (!(await isServed(uuid, lane))) return 'not-served';
      return (await lane.limit.run(uuid, owns)) ? 'accepted' : 'wrong';
    });
    if (verdict === 'accepted') {
      accepted.add(hash, verdict);
      known.add(hash, true);
    } else refused.add(hash, verdict);
    return verdict;
  }

  return async (uuid, authorization, need) => {
    const isRequired = need === 'always' || mode === 'required';
    if (mode === 'off' && !isRequired) return false;
    if (!authorization) {
      if (!isRequired) return false;
      throw new Unauthorized(
        'provision.proof-missing',
        'The device must prove its identity: send Authorization: Bearer <its API key> (a container has it as BALENA_API_KEY with the label io.balena.features.balena-api).',
      );
    }
    const key = bearer.exec(authorization)?.[1];
    if (!key) throw refusal('wrong');
    const hash = hashOf(`${uuid} ${key}`);
    let verdict = accepted.get(hash) ?? refused.get(hash);
    if (!verdict) {
      // Concurrent requests of a device share one check.
      const checking = pending.get(hash) ?? check(hash, uuid, key).finally(() => pending.delete(hash));
      pending.set(hash, checking);
      verdict = await checking;
    }
    if (verdict !== 'accepted') throw refusal(verdict);
    return true;
  };
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('base64');

/** Whether the API key belongs to the device: one request to balena. The keys of users and of fleets are valid keys too, but prove no device. */
async function isOwner(
  { apiUrl, callTimeoutMs = 5_000 }: ProofOptions,
  uuid: string,
  apiKey: string,
): Promise<boolean> {
  try {
    const actor = await whoami({ apiUrl, apiKey, callTimeoutMs });
    return actor.actorType === 'device' && actor.uuid?.toLowerCase() === uuid;
  } catch (error) {
    if (ProvisioningError.from(error).code === 'balena-unauthorized') return false;
    throw error;
  }
}

/** Every failure of a check is a 503 about balena, with the wait that balena asked for. */
async function answered<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    const { code, message, retryAfterMs } = ProvisioningError.from(error);
    throw new ProvisioningError(
      code === 'balena-throttled' ? code : 'balena-unavailable',
      `The API key of the device could not be checked. ${message}`,
      { cause: error, ...(retryAfterMs !== null && { retryAfterMs }) },
    );
  }
}

function refusal(verdict: Exclude<Verdict, 'accepted'>): Unauthorized {
  return verdict === 'wrong'
    ? new Unauthorized(
        'provision.proof-wrong',
        'The API key in the Authorization header does not belong to this device.',
      )
    : new Unauthorized(
        'provision.fleet-not-served',
        'The fleet of this device is not served here (FLEETS), or is not visible to BALENA_API_KEY.',
        403,
      );
}
