import { openMemory } from '../../shared/memory.js';
import type { Clock, EpochMs } from '../../shared/time.js';
import { longestWaitMs, openWaitingProofs } from './waitingProofs.js';

/** Runs checks of proofs with balena at a bounded rate. The limit holds for one process. */
export interface CheckLimit {
  /**
   * Runs a check, at its turn.
   *
   * @param uuid the device. Devices are served by turns
   * @param check returns whether the proof is right
   * @returns the result of the check
   * @throws ProvisioningError `balena-throttled` without a check, if the turn is too far away; the errors of `check`
   */
  run(uuid: string, check: () => Promise<boolean>): Promise<boolean>;
}

export interface CheckLimitOptions {
  clock: Clock;
  /** The number of checks a second. As many checks may begin at once. */
  perSecond: number;
}

/** The largest number of checks that run at a time. */
const mostAtATime = 64;
/** Proofs for a device come last for this time after a wrong one. */
const suspectMs = 3_600_000;
const mostSuspects = 100_000;
/** While other devices wait, the suspects get every fourth check. */
const suspectsTurn = 4;

/**
 * Opens the limit. Anybody with the function's key can send invented proofs, and each of them costs a request to balena. Without the limit,
 * balena would throttle the checks of all devices, and perhaps the work of the worker. The devices of waiting proofs are served by turns, so
 * that a thousand invented proofs for one device delay another device by one check. After a wrong proof for a device, further proofs for the
 * device come last, so that invented proofs for a thousand devices delay only these devices.
 */
export function openCheckLimit({ clock, perSecond }: CheckLimitOptions): CheckLimit {
  const intervalMs = 1_000 / perSecond;
  const mostDevices = longestWaitMs / intervalMs;
  const suspects = openMemory<true>(clock, suspectMs, mostSuspects);
  const first = openWaitingProofs(clock, mostDevices);
  /** As many as get their check in time, while others wait. A waiting request occupies the HTTP host. */
  const last = openWaitingProofs(clock, mostDevices / suspectsTurn);
  let next: EpochMs = 0;
  let begun = 0;
  let running = 0;
  let isServing = false;

  function take() {
    const order = begun % suspectsTurn === 0 ? [last, first] : [first, last];
    return order[0]?.take() ?? order[1]?.take();
  }

  async function serve(): Promise<void> {
    isServing = true;
    for (;;) {
      first.refuseOld();
      last.refuseOld();
      next = Math.max(next, clock.now() - (1_000 - intervalMs));
      while (running < mostAtATime && next <= clock.now()) {
        const waiter = take();
        if (!waiter) break;
        next += intervalMs;
        begun += 1;
        running += 1;
        waiter.begin();
      }
      if (first.isEmpty() && last.isEmpty()) break;
      await clock.sleep(Math.ceil(Math.max(intervalMs, next - clock.now())));
    }
    isServing = false;
  }

  return {
    async run(uuid, check) {
      const turn = (suspects.get(uuid) ? last : first).wait(uuid);
      if (!isServing) void serve();
      await turn;
      try {
        const isRight = await check();
        if (isRight) suspects.forget(uuid);
        else suspects.add(uuid, true);
        return isRight;
      } finally {
        running -= 1;
      }
    },
  };
}
