import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A set of tests that runs as one Jest process. */
export interface Stage {
  paths: readonly string[];
  env?: Record<string, string>;
}

interface JestReport {
  testResults: {
    name: string;
    message: string;
    assertionResults: { fullName: string; status: string }[];
  }[];
}

const longestMs = 300_000;

/**
 * Runs tests in a copy of the tree, up to the first file that fails.
 *
 * @returns the name of a test that failed, or null if all of them passed
 */
export async function runTests(tree: string, { paths, env = {} }: Stage): Promise<string | null> {
  const report = join(tree, '.mutants-report.json');
  rmSync(report, { force: true });
  const args = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...['--runInBand', '--bail', '--silent', '--json', '--outputFile', report],
    ...paths,
  ];
  const child = spawn(process.execPath, args, {
    cwd: tree,
    env: { ...process.env, ...env },
    stdio: 'ignore',
    timeout: longestMs,
    killSignal: 'SIGKILL',
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code === 0) return null;
  if (code === null) return `the tests did not end within ${longestMs / 1_000} s`;
  return nameOfFailure(report, tree);
}

function nameOfFailure(report: string, tree: string): string {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as JestReport;
  for (const { name, assertionResults, message } of testResults) {
    const file = name.replace(`${tree}/`, '');
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed) return `${file}: ${failed.fullName}`;
    if (assertionResults.length === 0 && message !== '') return `${file}: the file does not load`;
  }
  throw new Error('Jest failed and names no test');
}
