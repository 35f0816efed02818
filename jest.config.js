/** Tests run the TypeScript sources as ES modules. The processes that integration and e2e tests start run the build in dist/. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // The folder that `npm run package` assembles contains a second copy of package.json.
  modulePathIgnorePatterns: ['<rootDir>/.package/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  // The project is developed and checked on two cores, and most integration and e2e suites start processes.
  maxWorkers: 2,
  testSequencer: '<rootDir>/test/support/longestFirst.js',
  // A bound for tests that hang. No test depends on speed: each waits for a condition.
  testTimeout: 600_000,
  // `npm run coverage`. A process that a test starts from dist/ is not counted.
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', 'functions/**/*.ts', 'cli/**/*.ts'],
  coverageReporters: ['text-summary', 'lcovonly', 'html'],
};
