/**
 * Prints the lines of a test if an assertion of the test failed. A passed test prints nothing.
 *
 * @param lines the array to which processes append
 */
export function printWhenFailed(lines: string[]): void {
  let from = 0;
  afterEach(() => {
    const said = lines.slice(from);
    from = lines.length;
    const { assertionCalls, numPassingAsserts } = expect.getState();
    // A test that threw before its first assertion has failed as well.
    if (assertionCalls === 0 || numPassingAsserts !== assertionCalls) console.log(said.join('\n'));
  });
}
