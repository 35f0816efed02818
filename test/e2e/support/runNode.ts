import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { waitFor } from '../../support/waitFor.js';

/** An entry point of the build, run as a person does. */
export interface Run {
  process: ChildProcess;
  /** The output up to now, errors included. */
  output(): string;
  /** Waits until the output matches. */
  prints(pattern: RegExp): Promise<unknown>;
  /** @returns exit code and signal, after the process has ended and all output has arrived */
  ended: Promise<{ code: number | null; signal: string | null }>;
}

/**
 * @param entry in dist/, such as `local/start.js`
 * @param env added to the environment of this process; undefined removes a variable
 */
export function runNode(
  entry: string,
  args: string[] = [],
  env: Record<string, string | undefined> = {},
): Run {
  return runCommand(process.execPath, [join(projectFolder(), 'dist', entry), ...args], env);
}

/** Runs any command as a person does. Parameters as for `runNode`. */
export function runCommand(
  command: string,
  args: string[],
  env: Record<string, string | undefined> = {},
): Run {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const output = () => printed;
  return {
    process: child,
    output,
    prints: (pattern) =>
      waitFor(`it prints ${pattern}`, () => {
        if (pattern.test(printed)) return true;
        throw new Error(`it has printed:\n${printed}`);
      }),
    ended: once(child, 'close').then(([code, signal]) => ({ code, signal })),
  };
}

/** The ids of the processes with this text in their command line. */
export async function runningWith(text: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => ({ pid, line: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') })),
  );
  return lines.filter(({ line }) => line.includes(text)).map(({ pid }) => Number(pid));
}
