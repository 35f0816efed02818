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

/** @param {string} text */
export const say = (text) => console.log(text);

/** @param {string} text */
export const done = (text) => console.log(`✓ ${text}`);

/** @param {string} text */
export const warn = (text) => console.log(`! ${text}`);
