import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { projectFolder } from './projectFolder.js';

/** A simulator or host in a process of its own. */
export interface Forked<Endpoints> {
  /** Prefix of the process's lines. */
  name: string;
  endpoints: Endpoints;
  process: ChildProcess;
  /** Resolves at the end of the process. */
  ended: Promise<void>;
  /** The longest block of the process's event loop since the last call, ms. The first call returns 0. */
  eventLoopDelay(): Promise<number>;
  /** Stops the process with SIGTERM, and waits for the end. */
  stop(): Promise<void>;
  /** Ends the process and its children like a crash (SIGKILL). */
  kill(): Promise<void>;
  /** Pauses the process and its children (SIGSTOP), until `resume`. */
  pause(): void;
  resume(): void;
}

export interface ForkOptions {
  /** Prefix of the process's lines. */
  name: string;
  /** Entry point in dist/, for example `local/simulators/balena/main.js`. */
  entry: string;
  args: string[];
  env: NodeJS.ProcessEnv;
  /** Called with each line that the process prints. */
  onLine(name: string, line: string): void;
}

/** Longer than a host needs to drain. */
const stopWithinMs = 40_000;

/**
 * Starts a process with `runSimulator`, and waits for the message about readiness. The process ends by itself after
 * the end of this process.
 *
 * @throws Error with the last printed lines, if the process ends before readiness
 */
export async function forkSimulator<Endpoints>(options: ForkOptions): Promise<Forked<Endpoints>> {
  const { name, entry, args, env, onLine } = options;
  const child = fork(join(projectFolder(), 'dist', entry), args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // The process leads a process group of its own, with its children. Ctrl-C in the terminal reaches only the parent, and
    // the parent stops the processes in order.
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
  onLine(name, 'is ready');
  // Signals are sent only while the child runs: afterwards, another process may have the same id.
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const signalGroup = (what: NodeJS.Signals) => {
    if (isRunning() && child.pid !== undefined) process.kill(-child.pid, what);
  };
  return {
    name,
    endpoints,
    process: child,
    ended,
    async eventLoopDelay() {
      const answer = once(child, 'message');
      child.send('eventLoopDelay');
      return ((await answer)[0] as { eventLoopDelay: number }).eventLoopDelay;
    },
    async kill() {
      signalGroup('SIGKILL');
      await ended;
    },
    pause: () => signalGroup('SIGSTOP'),
    resume: () => signalGroup('SIGCONT'),
    async stop() {
      const timer = setTimeout(() => signalGroup('SIGKILL'), stopWithinMs);
      // The process itself stops its children.
      if (isRunning()) child.kill('SIGTERM');
      await ended;
      clearTimeout(timer);
    },
  };
}
