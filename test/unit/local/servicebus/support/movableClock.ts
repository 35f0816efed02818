import type { AlarmClock } from '../../../../../local/simulators/servicebus/engine/dependencies.js';

export interface MovableClock extends AlarmClock {
  /** Moves on by this many milliseconds, and calls back what is due by then. */
  advance(ms: number): void;
}

/** Stands still until it is moved. @param start milliseconds since 1970 */
export function movableClock(start = Date.now()): MovableClock {
  let now = start;
  const alarms = new Set<{ time: number; callback: () => void }>();
  return {
    now: () => now,
    schedule(time, callback) {
      const alarm = { time, callback };
      alarms.add(alarm);
      return () => alarms.delete(alarm);
    },
    advance(ms) {
      now += ms;
      for (const alarm of [...alarms].sort((a, b) => a.time - b.time)) {
        if (alarm.time > now || !alarms.delete(alarm)) continue;
        alarm.callback();
      }
    },
  };
}
