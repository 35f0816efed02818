import type { AlarmClock } from '../../local/simulators/servicebus/engine/dependencies.js';
import type { Clock, EpochMs } from '../../src/shared/time.js';

/** A clock for the product and for the engine of the local broker. Only a test moves the clock. */
export interface HandClock extends Clock, AlarmClock {
  /** The current time. Setting this property calls nobody back. */
  at: EpochMs;
  /** Moves the clock forward and then calls all alarms that are due. */
  advance(ms: number): void;
}

/** A clock that stands still until a test moves the clock. A caller of `sleep` moves the clock as well. */
export function handClock(at: EpochMs): HandClock {
  const alarms = new Set<{ time: EpochMs; callback: () => void }>();
  const clock: HandClock = {
    at,
    now: () => clock.at,
    async sleep(ms) {
      clock.at += Math.max(0, ms);
    },
    schedule(time, callback) {
      const alarm = { time, callback };
      alarms.add(alarm);
      return () => alarms.delete(alarm);
    },
    advance(ms) {
      clock.at += ms;
      for (const alarm of [...alarms].sort((a, b) => a.time - b.time)) {
        if (alarm.time > clock.at || !alarms.delete(alarm)) continue;
        alarm.callback();
      }
    },
  };
  return clock;
}
