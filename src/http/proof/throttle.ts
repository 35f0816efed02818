import { ProvisioningError } from '../../shared/errors.js';
import { openMemory } from '../../shared/memory.js';
import type { Clock, EpochMs } from '../../shared/time.js';

/** The waits that balena has asked for while proofs were checked. Methods throw `balena-throttled` during a wait, without a request. */
export interface ProofThrottle {
  /** Sends a request with our own key. A 429 stops the checks of all proofs. */
  withOurKey<T>(request: () => Promise<T>): Promise<T>;
  /**
   * Sends a request with the API key of a caller. A 429 stops the checks of this key. Different keys that meet a 429 one after the other
   * stop the checks of all proofs.
   *
   * @param hash of the API key
   */
  withKeyOfCaller<T>(hash: string, request: () => Promise<T>): Promise<T>;
  /** Refuses an API key during its wait, or during the wait of all proofs. @param hash of the API key */
  expectNoWait(hash?: string): void;
}

/** So many different keys that meet a 429 in a row show that balena throttles us, and not one caller. The circuits have the same number. */
const manyKeys = 5;
const longestWaitMs = 600_000;
const mostKeys = 10_000;

/**
 * Opens the memory of the waits. balena can throttle an API key alone. A malicious device can use up the limit of its own key, and show us the
 * 429: the proofs of other devices must not wait for that.
 */
export function openProofThrottle(clock: Clock): ProofThrottle {
  const ofKey = openMemory<EpochMs>(clock, longestWaitMs, mostKeys);
  const inARow = new Set<string>();
  let ofAll: EpochMs = 0;

  function expectNoWait(hash?: string): void {
    const until = Math.max(ofAll, (hash && ofKey.get(hash)) || 0);
    const retryAfterMs = until - clock.now();
    if (retryAfterMs > 0)
      throw new ProvisioningError('balena-throttled', 'balena throttles the checks of proofs.', {
        retryAfterMs,
      });
  }

  /** @param note gets the end of the wait that balena asks for */
  async function send<T>(request: () => Promise<T>, note: (until: EpochMs) => void): Promise<T> {
    try {
      return await request();
    } catch (error) {
      const { code, retryAfterMs } = ProvisioningError.from(error);
      if (code === 'balena-throttled' && retryAfterMs !== null) note(clock.now() + retryAfterMs);
      throw error;
    }
  }

  const stopAll = (until: EpochMs) => {
    ofAll = Math.max(ofAll, until);
    inARow.clear();
  };

  return {
    expectNoWait,
    async withOurKey(request) {
      expectNoWait();
      return send(request, stopAll);
    },
    async withKeyOfCaller(hash, request) {
      expectNoWait(hash);
      const answer = await send(request, (until) => {
        ofKey.add(hash, until);
        if (inARow.add(hash).size >= manyKeys) stopAll(until);
      });
      inARow.clear();
      return answer;
    },
  };
}
