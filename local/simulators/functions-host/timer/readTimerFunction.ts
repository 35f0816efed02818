import type { RegisteredFunction } from '../createApp.js';
import { resolveSettings } from '../resolveSettings.js';
import { parseSchedule, type Schedule } from './parseSchedule.js';

export interface TimerFunction {
  registered: RegisteredFunction;
  name: string;
  schedule: Schedule;
  runOnStartup: boolean;
}

/** @throws Error naming the function, for a schedule that cannot be read */
export function readTimerFunction(registered: RegisteredFunction): TimerFunction {
  const { name, bindings } = registered.metadata;
  const trigger = Object.values(bindings).find(({ type }) => type.toLowerCase() === 'timertrigger');
  try {
    const schedule = parseSchedule(resolveSettings(String(trigger?.schedule)));
    return { registered, name, schedule, runOnStartup: trigger?.runOnStartup === true };
  } catch (error) {
    throw new Error(`function ${name}: ${(error as Error).message}`);
  }
}
