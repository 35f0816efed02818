import {
  ConfigError,
  type ConfigFor,
  type ExternalSystem,
  readConfig,
  readConfigFor,
} from '../../src/config/config.js';
import type { Settings } from '../session/readEndpoints.js';
import { type Check, failed, ok } from './check.js';

const caSettings = ['CA_CERTIFICATE', 'CA_KEY_VAULT_KEY', 'CA_FILE'];

/** The result of the check, and the configurations from the correct settings. */
export interface CheckedSettings {
  checks: Check[];
  /** The configuration of some external systems; null if a needed setting is missing or wrong. */
  configFor<S extends ExternalSystem>(...systems: S[]): ConfigFor<S> | null;
}

/** Checks every setting. The other checks use the correct settings, even if some settings are wrong. */
export function checkSettings(settings: Settings): CheckedSettings {
  const problems = problemsOf(settings);
  const named = problems.map((problem) => problem.split(' ')[0] ?? '');
  // The settings of a CA belong together: one of them alone is a fault, and would stop the checks of all other parts.
  const wrong = named.some((name) => caSettings.includes(name)) ? [...named, ...caSettings] : named;
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
              'set the same value as for the functions, in the environment or in local.settings.json',
            );
          }),
    configFor(...systems) {
      try {
        return readConfigFor(systems, usable);
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
