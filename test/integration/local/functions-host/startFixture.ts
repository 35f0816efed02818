import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { HostEndpoints } from '../../../../local/simulators/functions-host/startHost.js';

export const fixtures = join(process.cwd(), 'test/integration/local/functions-host/fixtures');
const main = join(process.cwd(), 'dist/local/simulators/functions-host/main.js');

/** A process that runs the built host with the app in fixtures/. */
export interface Fixture {
  endpoints: HostEndpoints;
  /** The output of the process so far. */
  lines: string[];
  /** Waits for a matching line. Earlier lines count too. */
  line(pattern: RegExp): Promise<string>;
  /** Calls the control server, for example `POST /worker/kill`. */
  control(request: string): Promise<unknown>;
  /** Sends SIGTERM. @returns the exit code */
  stop(): Promise<number | null>;
  /** Waits for the end of the process. @returns the exit code */
  ended(): Promise<number | null>;
}

/** Starts the host. By default the queue function is disabled, and the timer function too. */
export async function startFixture(
  args: string[] = [],
  env: Record<string, string> = {},
  app = 'app',
): Promise<Fixture> {
  const { child, lines, line } = spawnHost(['--app', join(fixtures, app), '--port', '0', ...args], {
    TICK_SCHEDULE: '0 0 0 1 1 *',
    'AzureWebJobs.tick.Disabled': 'true',
    'AzureWebJobs.work.Disabled': 'true',
    ...env,
  });
  const endpoints = await Promise.race([
    once(child, 'message').then(([message]) => (message as { ready: HostEndpoints }).ready),
    once(child, 'exit').then(() => {
      throw new Error(`the host exited at its start: ${lines.join('\n')}`);
    }),
  ]);
  const ended = async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    return child.exitCode;
  };
  return {
    endpoints,
    lines,
    line,
    control: async (request) => {
      const [method, path] = request.split(' ');
      const response = await fetch(`${endpoints.controlUrl}${path}`, { method: method ?? 'GET' });
      return response.status === 204 ? undefined : response.json();
    },
    stop: async () => {
      if (child.exitCode === null) child.kill('SIGTERM');
      return ended();
    },
    ended,
  };
}
/** Starts a host with a mistake in its app or arguments, and waits for the exit. @returns the exit code and the output */
export async function failToStart(app: string, args: string[] = [], env: Record<string, string> = {}) {
  const { child, lines } = spawnHost(['--app', app, '--port', '0', ...args], env);
  const [code] = await once(child, 'close');
  return { code: code as number, lines };
}

function spawnHost(args: string[], env: Record<string, string>) {
  const child: ChildProcess = fork(main, args, {
    execArgv: [],
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (text) => {
      lines.push(text);
      for (const look of waiting) look();
    });
  }
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve) => {
      const look = () => {
        const found = lines.find((text) => pattern.test(text));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { child, lines, line };
}
