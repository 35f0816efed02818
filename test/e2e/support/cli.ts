import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';

/** The result of a run of `provisioner`. */
export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCli {
  /** Sends Ctrl-C. */
  interrupt(): void;
  /** The output until now, of stdout and stderr. */
  output(): string;
  ended: Promise<CliRun>;
}

export interface Cli {
  (...args: string[]): Promise<CliRun>;
  /** Runs with --json, and parses stdout: one line. @param code the expected exit code */
  json<T = Record<string, unknown>>(code: number, ...args: string[]): Promise<T>;
  start(...args: string[]): RunningCli;
}

/**
 * Runs the built `provisioner` like npx: the file is executed directly, the project's Node is first in the PATH, and there is no terminal.
 *
 * @param common arguments for each run
 * @param env the settings; the environment of the test process is not inherited
 */
export function useCli(common: string[], env: Record<string, string> = {}): Cli {
  const bin = join(projectFolder(), 'node_modules', '.bin');
  const start = (...args: string[]): RunningCli => {
    const child = spawn(join(projectFolder(), 'dist', 'cli', 'main.js'), [...args, ...common], {
      env: { PATH: `${bin}${delimiter}${process.env.PATH}`, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const printed = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        printed[name] += text;
      });
    return {
      interrupt: () => void child.kill('SIGINT'),
      output: () => printed.stdout + printed.stderr,
      ended: once(child, 'close').then(([code]) => ({ code, ...printed })),
    };
  };
  const run = (...args: string[]) => start(...args).ended;
  return Object.assign(run, {
    start,
    async json<T>(code: number, ...args: string[]) {
      const ended = await run(...args, '--json');
      expect({ ...ended, stdout: ended.stdout.split('\n').length }).toMatchObject({ code, stdout: 2 });
      return JSON.parse(ended.stdout) as T;
    },
  });
}
