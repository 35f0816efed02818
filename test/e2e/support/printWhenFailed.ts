/**
 * Prints what was said during a test, if one of its assertions failed; a test that passes is quiet.
 *
 * @param lines is appended to
 */
export function printWhenFailed(lines: string[]): void {
  let from = 0;
  afterEach(() => {
    const said = lines.slice(from);
    from = lines.length;
    const { assertionCalls, numPassingAsserts } = expect.getState();
    // A test that threw before it came to assert anything has failed as well.
    if (assertionCalls === 0 || numPassingAsserts !== assertionCalls) console.log(said.join('\n'));
  });
}
