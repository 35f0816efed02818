// @ts-check

/** A fault that an operator can repair. */
export class HookProblem extends Error {
  /**
   * @param {string} what a sentence that names the fault
   * @param {string} todo a sentence with the next step
   */
  constructor(what, todo) {
    super(`${what}\n  To do: ${todo}`);
    this.name = 'HookProblem';
  }
}

/**
 * Runs a hook. A fault is printed without a stack trace, and azd stops.
 *
 * @param {() => Promise<void>} hook
 */
export async function runHook(hook) {
  try {
    await hook();
  } catch (error) {
    if (!(error instanceof HookProblem)) throw error;
    console.error(`✗ ${error.message}`);
    process.exitCode = 1;
  }
}

/** @param {string} text */
export const say = (text) => console.log(text);

/** @param {string} text */
export const done = (text) => console.log(`✓ ${text}`);

/** @param {string} text */
export const warn = (text) => console.log(`! ${text}`);
