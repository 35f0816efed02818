import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A simulator in a process of its own, started by a test. */
export interface ForkedMain<Endpoints> {
  child: ChildProcess;
  /** Resolves with exit code and signal, after all output has been read. */
  closed: Promise<unknown[]>;
  /** Resolves with the endpoints of the ready simulator. */
  ready: Promise<Endpoints>;
  /** Everything printed until now. */
  output(): string;
}

const children: ChildProcess[] = [];

/** Starts a simulator's main module from the build in dist/. `killForked` ends the process. */
export function forkMain<Endpoints>(simulator: string, ...args: string[]): ForkedMain<Endpoints> {
  const child = fork(`dist/local/simulators/${simulator}/main.js`, args, { silent: true });
  children.push(child);
  const output: string[] = [];
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  for (const stream of streams) stream.on('data', (chunk) => output.push(String(chunk)));
  // After disconnect(), Node emits no "close" for the child.
  const ends = [once(child, 'exit'), ...streams.map((stream) => once(stream, 'close'))];
  return {
    child,
    closed: Promise.all(ends).then(([exit = []]) => exit),
    ready: once(child, 'message').then(([message]) => (message as { ready: Endpoints }).ready),
    output: () => output.join(''),
  };
}

/** Kills every process of `forkMain` that still runs. For `afterEach` or `afterAll`. */
export function killForked(): void {
  for (const child of children.splice(0)) child.kill('SIGKILL');
}
