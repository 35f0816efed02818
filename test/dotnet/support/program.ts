import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';

const project = resolve('test/dotnet');

/** The version of .NET in ServiceBusCases.csproj. */
const requiredMajor = 10;

const run = promisify(execFile);

const environment = {
  ...process.env,
  DOTNET_CLI_TELEMETRY_OPTOUT: '1',
  DOTNET_NOLOGO: '1',
  // No process of the build stays behind.
  MSBUILDDISABLENODEREUSE: '1',
};

/** The versions of the installed .NET SDKs that can build the program; none without `dotnet` on PATH. */
export async function usableSdks(): Promise<string[]> {
  const listed = await run('dotnet', ['--list-sdks'], { env: environment }).catch((error) => {
    if (error.code === 'ENOENT') return { stdout: '' };
    throw error;
  });
  const versions = listed.stdout.split('\n').map((line) => line.split(' ')[0] ?? '');
  return versions.filter((version) => Number(version.split('.')[0]) >= requiredMajor);
}

/** Restores the packages and builds the program. */
export async function buildProgram(): Promise<void> {
  const options = ['-c', 'Release', '-v', 'quiet', '--nologo', '-p:UseSharedCompilation=false'];
  await run('dotnet', ['build', project, ...options], { env: environment }).catch((error) => {
    throw new Error(`the .NET program does not build:\n${error.stdout}${error.stderr}`);
  });
}

/** One line of the program, see Group.cs, Kills.cs and Idle.cs. */
export interface Line {
  case?: string;
  ok?: boolean;
  error?: string | null;
  group?: string;
  passed?: number;
  failed?: number;
  acknowledged?: number;
  idle?: boolean;
  sent?: number;
  lost?: number;
  undone?: number;
}

export interface RunningProgram {
  /** Resolves at the next line for which `isWanted` holds. Rejects if the program ends before. */
  line(isWanted: (line: Line) => boolean): Promise<Line>;
  /** Tells the program to go on. */
  proceed(): void;
  /** Resolves with all lines when the program has ended. */
  ended: Promise<Line[]>;
}

/** Starts the program with groups of cases. */
export function startProgram(groups: string[], connectionString: string): RunningProgram {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    'dotnet',
    [join(project, 'bin/Release/net10.0/ServiceBusCases.dll'), ...groups],
    {
      env: { ...environment, SERVICEBUS_CONNECTION_STRING: connectionString },
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const lines: Line[] = [];
  const waiting = new Set<() => void>();
  const output = createInterface({ input: child.stdout });
  output.on('line', (text) => {
    lines.push(JSON.parse(text));
    for (const check of waiting) check();
  });
  const ended = new Promise<Line[]>((resolve, reject) => {
    child.once('error', reject);
    output.once('close', () => resolve(lines));
  });
  return {
    line: (isWanted) =>
      new Promise((resolve, reject) => {
        let seen = lines.length;
        const check = () => {
          const found = lines.slice(seen).find(isWanted);
          seen = lines.length;
          if (!found) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        ended.then(() => reject(new Error(`the program ended: ${JSON.stringify(lines.at(-1))}`)), reject);
      }),
    proceed: () => child.stdin.end('\n'),
    ended,
  };
}
