import {
  ConfigError,
  type ConfigFor,
  type ExternalSystem,
  readConfig,
  readConfigFor,
} from '../../src/config/config.js';
import type { Settings } from '../session/findSystem.js';
import { type Check, failed, ok } from './check.js';

export interface CheckedSettings {
  checks: Check[];
  /** The configuration of some sides; null where it is missing or wrong. */
  configFor<S extends ExternalSystem>(...sides: S[]): ConfigFor<S> | null;
}

/** Every setting; what can be read of them is used for the other checks. */
export function checkSettings(settings: Settings): CheckedSettings {
  const problems = problemsOf(settings);
  const wrong = problems.map((problem) => problem.split(' ')[0] ?? '');
  const usable = Object.fromEntries(Object.entries(settings).filter(([name]) => !wrong.includes(name)));
  return {
    checks:
      problems.length === 0
        ? [ok('settings', 'complete')]
        : problems.map((problem) => {
            const [name = '', ...rest] = problem.split(' ');
            return failed(
              name,
              rest.join(' '),
              'set it as the functions have it: environment, or local.settings.json',
            );
          }),
    configFor(...sides) {
      try {
        return readConfigFor(sides, usable);
      } catch (error) {
        if (error instanceof ConfigError) return null;
        throw error;
      }
    },
  };
}

function problemsOf(settings: Settings): string[] {
  try {
    readConfig(settings);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
