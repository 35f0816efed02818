import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectFolder } from './projectFolder.js';

/** A simulator, or a host, in a process of its own. */
export interface Forked<Endpoints> {
  endpoints: Endpoints;
  process: ChildProcess;
  /** Resolves when the process has ended. */
  ended: Promise<void>;
  /** The longest block of its event loop since this was last asked, ms; 0 the first time. */
  eventLoopDelay(): Promise<number>;
  /** Stops it in order. */
  stop(): Promise<void>;
  /** Ends it as a crash does (SIGKILL). */
  kill(): Promise<void>;
}

export interface ForkOptions {
  /** For its lines. */
  name: string;
  /** Its entry point in dist/, such as `local/balena/main.js`. */
  entry: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Gets each line that it prints. */
  onLine(name: string, line: string): void;
}

/** Longer than a host drains. */
const stopWithinMs = 40_000;

/**
 * Starts a process that says over IPC when it is ready (`runStandIn`). It ends by itself when this process is gone.
 *
 * @throws Error in one sentence with what it said, if it ends before it is ready
 */
export async function forkSimulator<Endpoints>(options: ForkOptions): Promise<Forked<Endpoints>> {
  const { name, entry, args, env, onLine } = options;
  const child = fork(join(projectFolder(), 'dist', entry), args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // Out of the terminal's process group: Ctrl-C is for the parent, which stops the processes in their order.
    detached: true,
  });
  const ended = once(child, 'exit').then(() => {});
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (last.push(line) > 20) last.shift();
      onLine(name, line);
    });
  }
  const endpoints = await Promise.race([
    once(child, 'message').then(([message]) => (message as { ready: Endpoints }).ready),
    ended.then(() => {
      throw new Error(last.join('\n') || `${name} ended at its start, with exit code ${child.exitCode}`);
    }),
  ]);
  // A signal is sent to the child's id only while that is the child's.
  const signal = async (what: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(what);
    await ended;
  };
  return {
    endpoints,
    process: child,
    ended,
    async eventLoopDelay() {
      const answer = once(child, 'message');
      child.send('eventLoopDelay');
      return ((await answer)[0] as { eventLoopDelay: number }).eventLoopDelay;
    },
    kill: () => signal('SIGKILL'),
    async stop() {
      const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
      await signal('SIGTERM');
      clearTimeout(timer);
    },
  };
}
