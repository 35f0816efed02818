import { spawn } from 'node:child_process';

/** A group of tests for one Jest process. */
export interface Stage {
  paths: readonly string[];
  env?: Record<string, string>;
}

const longestMs = 300_000;

/**
 * Runs tests in a copy of the tree, up to the first failing file.
 *
 * @returns the name of a failing test, or null if all tests pass
 */
export async function runTests(tree: string, { paths, env = {} }: Stage): Promise<string | null> {
  const args = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    'node_modules/jest/bin/jest.js',
    ...['--runInBand', '--bail', '--silent', '--no-color'],
    ...paths,
  ];
  const child = spawn(process.execPath, args, {
    cwd: tree,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: longestMs,
    killSignal: 'SIGKILL',
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code === 0) return null;
  if (code === null) return `the tests did not end within ${longestMs / 1_000} s`;
  return nameOfFailure(output);
}

/** Jest with --bail writes no report. The first failure is read from Jest's output. */
function nameOfFailure(output: string): string {
  const [, file] = /^FAIL (\S+)/m.exec(output) ?? [];
  const [, name] = /^ {2}● (.+)$/m.exec(output) ?? [];
  if (file === undefined || name === undefined) throw new Error(`Jest did not run the tests:\n${output}`);
  return `${file}: ${name}`;
}
