import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { onPath } from '../../../local/infra/nuget.js';

const run = promisify(execFile);

/** @returns a command in front of another command: strace writes started programs and opened files into `file` */
export const traced = (file: string): string[] => [
  'strace',
  '-f',
  '-e',
  'trace=execve,?open,openat,?openat2',
  '-o',
  file,
];

/** @returns false if this machine has no strace, or forbids tracing, as some containers do */
export async function canTrace(): Promise<boolean> {
  if (!(await onPath('strace'))) return false;
  return run('strace', ['-f', '-o', '/dev/null', 'true']).then(
    () => true,
    () => false,
  );
}

/** The name of a process that has started no program since its birth. In a script, only the shell makes such processes. */
const subshell = 'a subshell';

/**
 * Reads a trace of strace.
 *
 * @param file matches the paths of the files in question
 * @returns the paths of the programs that have opened one of the files, sorted
 */
export function openedBy(trace: string, file: RegExp): string[] {
  const programs = new Map<string, string>();
  const before = new Map<string, string>();
  const found = new Set<string>();
  for (const line of trace.split('\n')) {
    const [, pid = '', event = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, program] = /^execve\("([^"]+)".*(?:= 0|<unfinished \.\.\.>)$/.exec(event) ?? [];
    const [, path] = /^open(?:at2?)?\((?:[^"]*, )?"([^"]*)"(?!.*= -1 )/.exec(event) ?? [];
    if (event.startsWith('+++ ')) programs.delete(pid);
    if (program !== undefined) {
      before.set(pid, programs.get(pid) ?? subshell);
      programs.set(pid, program);
    }
    if (/^<\.\.\. execve resumed>.*= -1 /.test(event)) programs.set(pid, before.get(pid) ?? subshell);
    if (path !== undefined && file.test(path)) found.add(programs.get(pid) ?? subshell);
  }
  return [...found].sort();
}
