import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { InvocationRequest, InvocationResponse } from './core.js';
import type { HostMessage, WorkerMessage } from './protocol.js';

export type Loaded = Extract<WorkerMessage, { kind: 'loaded' }>;

/** One worker process. */
export interface Worker {
  pid: number | undefined;
  /** Undefined if the process ended before the app was loaded. */
  loaded: Promise<Loaded | undefined>;
  /** Resolves at the end of the process: the signal or the exit code. */
  ended: Promise<string>;
  /** True if an invocation exceeded the timeout. The process was then killed. */
  timedOut: boolean;
  /**
   * Runs a function once.
   *
   * @throws Error with the first line of the function's error; and if the process ends during the invocation
   */
  invoke(functionName: string, request: InvocationRequest): Promise<InvocationResponse>;
  /** Runs the hooks `appTerminate`, and ends the process. */
  terminate(): Promise<void>;
  /** Ends the process at once. */
  kill(): void;
}

export interface WorkerOptions {
  /** The folder of the app. */
  folder: string;
  /** The address of the settlement service. Azure passes the address in the worker's arguments. */
  functionsUri: string;
  /** Longest duration of an invocation, ms. A longer one ends the worker with all its invocations. Null: no limit. */
  functionTimeoutMs: number | null;
  /** The environment of the process. Default: the environment of this process. */
  env?: NodeJS.ProcessEnv;
  onEvent(line: string): void;
}

interface Invocation {
  resolve(response: InvocationResponse): void;
  reject(error: Error): void;
  timeout: NodeJS.Timeout | undefined;
}

/** A worker that does not end by itself is killed. */
const terminateWithinMs = 5_000;

export function forkWorker(options: WorkerOptions): Worker {
  const { folder, functionsUri, functionTimeoutMs, env = process.env, onEvent } = options;
  const invocations = new Map<string, Invocation>();
  const { promise: loaded, resolve: setLoaded } = Promise.withResolvers<Loaded | undefined>();
  const { promise: ended, resolve: setEnded } = Promise.withResolvers<string>();
  const child = fork(
    fileURLToPath(new URL('./main.js', import.meta.url)),
    ['--functions-uri', functionsUri],
    { env, serialization: 'advanced', stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  // A send to a process that has just ended fails. The event `exit` follows.
  const send = (message: HostMessage) => child.connected && child.send(message, () => {});
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const take = (id: string) => {
    const invocation = invocations.get(id);
    invocations.delete(id);
    clearTimeout(invocation?.timeout);
    return invocation;
  };

  child.on('message', (message: WorkerMessage) => {
    if (message.kind === 'log') onEvent(message.line);
    else if (message.kind === 'succeeded') take(message.id)?.resolve(message.response);
    else if (message.kind === 'failed') take(message.id)?.reject(Object.assign(new Error(), message.error));
    else setLoaded(message);
  });
  child.on('error', (error) => onEvent(`host: the worker process: ${error.message}`));
  child.on('exit', (code, signal) => {
    const how = signal ?? `exit code ${code}`;
    setLoaded(undefined);
    setEnded(how);
    for (const id of [...invocations.keys()])
      take(id)?.reject(new Error(`the worker process ended (${how})`));
  });
  send({ kind: 'load', folder });

  const worker: Worker = {
    pid: child.pid,
    loaded,
    ended,
    timedOut: false,
    invoke: (functionName, request) =>
      new Promise((resolve, reject) => {
        if (!isRunning()) return reject(new Error('there is no worker process now'));
        const id = randomUUID();
        const timeOut = () => {
          onEvent(`host: Timeout value exceeded by function ${functionName}. Restarting the worker process.`);
          worker.timedOut = true;
          child.kill('SIGKILL');
        };
        const timeout = functionTimeoutMs === null ? undefined : setTimeout(timeOut, functionTimeoutMs);
        invocations.set(id, { resolve, reject, timeout });
        send({ kind: 'invoke', id, functionName, request });
      }),
    kill: () => void child.kill('SIGKILL'),
    async terminate() {
      send({ kind: 'terminate' });
      const timer = setTimeout(() => child.kill('SIGKILL'), terminateWithinMs);
      await ended;
      clearTimeout(timer);
    },
  };
  return worker;
}
