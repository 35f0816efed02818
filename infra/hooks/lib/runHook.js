// @ts-check
import { ArmError } from './azure.js';
import { HookProblem } from './report.js';

/**
 * Runs a hook. A fault is printed without a stack trace, and azd stops.
 *
 * @param {() => Promise<void>} hook
 */
export async function runHook(hook) {
  try {
    await hook();
  } catch (error) {
    console.error(`✗ ${asProblem(error).message}`);
    process.exitCode = 1;
  }
}

/**
 * The fault of a check, with the next step.
 *
 * @param {unknown} error
 * @returns {HookProblem}
 * @throws {unknown} an error that is no fault of the environment
 */
export function asProblem(error) {
  if (error instanceof HookProblem) return error;
  if (error instanceof ArmError)
    return new HookProblem(`A request to Azure failed: ${error.message}`, error.todo);
  throw error;
}
