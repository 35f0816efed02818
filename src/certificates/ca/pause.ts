import { ProvisioningError } from '../../shared/errors.js';
import type { Clock, EpochMs } from '../../shared/time.js';

/** Keeps a process from calling a CA that does not answer: a call that waits for its deadline would keep other devices waiting. */
export interface Pause {
  /** Makes a call. During a pause, the call is not made. @throws the error of the call; during a pause, the error that began it */
  unless<R>(call: () => Promise<R>): Promise<R>;
}

const isOfCa = ({ code }: ProvisioningError) => code.startsWith('ca-');

const firstPauseMs = 5_000;
const longestPauseMs = 60_000;

/**
 * Opens a pause. It begins with a failure of the CA (`ca-…`). It lasts as long as the CA says, otherwise 5 s, and twice as long after each further failure, up to
 * a minute. Its end lets one call pass, and the others with its success.
 */
export function openPause(clock: Clock): Pause {
  let failure: ProvisioningError | null = null;
  let until: EpochMs = 0;
  let nextMs = firstPauseMs;
  let isProbing = false;

  async function attempt<R>(call: () => Promise<R>): Promise<R> {
    try {
      const result = await call();
      failure = null;
      nextMs = firstPauseMs;
      return result;
    } catch (error) {
      const failed = ProvisioningError.from(error);
      // Any other failure is about one key, or is a fault of this program. It must not keep the other devices waiting.
      if (!isOfCa(failed)) throw error;
      until = clock.now() + (failed.retryAfterMs ?? nextMs);
      // Calls that were under way together fail together, and are one failure.
      if (failure === null || isProbing) nextMs = Math.min(2 * nextMs, longestPauseMs);
      failure = failed;
      throw failed;
    }
  }

  return {
    async unless(call) {
      if (failure === null) return attempt(call);
      if (isProbing || clock.now() < until) throw failure;
      isProbing = true;
      try {
        return await attempt(call);
      } finally {
        isProbing = false;
      }
    },
  };
}
