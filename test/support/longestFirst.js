/** The suites with the longest duration, and then the folders with suites that start processes. */
const first = [
  'e2e/cli.test',
  'chaos/chaos.test',
  'dotnet/client.test',
  'e2e/opsPage.test',
  'e2e/advice.test',
  'e2e/workerCrash.test',
  'e2e/circuit.test',
  'e2e/deviceBlock.test',
  'e2e/replay.test',
  'e2e/start.test',
  'fuzz/',
  'protocol/',
  'e2e/',
  'unit/bench/cost.test',
  'integration/',
];

/**
 * The order of the suites: the longest suites start first. Otherwise Jest starts the largest files first, and near the end the workers
 * wait for one long suite.
 */
export default class LongestFirst {
  sort(tests) {
    const rank = ({ path }) => {
      const at = first.findIndex((part) => path.replaceAll('\\', '/').includes(`/test/${part}`));
      return at < 0 ? first.length : at;
    };
    const size = ({ path, context }) => context.hasteFS.getSize(path) ?? 0;
    return tests.toSorted((a, b) => rank(a) - rank(b) || size(b) - size(a));
  }

  allFailedTests(tests) {
    return tests;
  }

  cacheResults() {}
}
