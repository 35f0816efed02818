import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';

/** What a run of `provisioner` came to. */
export interface CliRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface RunningCli {
  /** Ctrl-C. */
  interrupt(): void;
  /** What it has printed so far. */
  output(): string;
  ended: Promise<CliRun>;
}

export interface Cli {
  (...args: string[]): Promise<CliRun>;
  /** With --json: what is on stdout, which is nothing else. @param code that it must end with */
  json<T = Record<string, unknown>>(code: number, ...args: string[]): Promise<T>;
  start(...args: string[]): RunningCli;
}

/**
 * The built `provisioner`, started as npx does it: the file itself, with the project's Node first in the PATH, and without a terminal.
 *
 * @param common arguments of each run
 * @param env its settings, and nothing of this process's own
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
