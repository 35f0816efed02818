/** Tests run the TypeScript sources as ES modules; the processes that e2e tests start run the build in dist/. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // What `npm run package` assembles holds this project's package.json once more.
  modulePathIgnorePatterns: ['<rootDir>/.package/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
  // Two cores, and most suites start processes of their own.
  maxWorkers: 2,
  testTimeout: 30_000,
};
