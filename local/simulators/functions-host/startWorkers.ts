import { setTimeout as delay } from 'node:timers/promises';
import { type CallerTrace, traceContext } from './traceContext.js';
import type { FunctionMetadata, InvocationResponse, TypedData } from './worker/core.js';
import { forkWorker, type Loaded, type Worker, type WorkerOptions } from './worker/forkWorker.js';

/** The real host notices the end of a worker within this time. Until then, an invocation fails at once; later ones wait. */
const noticedAfterMs = 5;
/** In the real host, a new worker is there about this long after the end of the last one. */
const readyAfterMs = 300;
/** After this number of exits, the real host ends (`RpcFunctionInvocationDispatcher`, one worker process). */
const mostExits = 3;
/** The real host forgets all exits if the last one was this long ago. */
const forgetAfterMs = 30 * 60_000;

export interface Invocation {
  /** The trigger's data. */
  data: TypedData;
  /** Metadata from the host, with .NET names (`LockToken`). */
  triggerMetadata?: Record<string, TypedData>;
  /** The trace to which the invocation belongs. */
  caller?: CallerTrace;
}

/** The worker process with the app's functions, and its successors. */
export interface Workers {
  /** The functions of the first worker, as in the real host. Empty if an entry file failed. */
  functions: FunctionMetadata[];
  /** Why there are no functions. */
  fault?: string | undefined;
  /** The process id of the worker; null while there is no worker. */
  pid(): number | null;
  /**
   * Runs a function once.
   *
   * @throws Error with the first line of the function's error; at once if the worker has just ended; and if the worker ends
   *   during the invocation
   */
  invoke(metadata: FunctionMetadata, invocation: Invocation): Promise<InvocationResponse>;
  /** Lets the worker run its hooks `appTerminate`, and ends the worker. */
  stop(): Promise<void>;
  /** Resolves when too many workers have ended. No further worker is started. */
  gaveUp: Promise<void>;
}

/**
 * Starts the worker process. If the process ends, a new one is started, until the third time.
 *
 * @param isTracing true if host.json turns on OpenTelemetry; invocations are then sampled
 */
export async function startWorkers(options: WorkerOptions & { isTracing: boolean }): Promise<Workers> {
  const { onEvent, isTracing } = options;
  const { promise: gaveUp, resolve: giveUp } = Promise.withResolvers<void>();
  const { promise: first, resolve: setFirst } = Promise.withResolvers<Loaded>();
  const exits = createExits();
  let current: Worker | undefined;
  let ready: Promise<Worker> | null = null;
  let isStopping = false;

  const makeReady = async (worker: Worker, notBefore: Promise<void> | undefined) => {
    const [loaded] = await Promise.all([worker.loaded, notBefore]);
    if (loaded) {
      const fault = loaded.fault ? ` without functions: ${loaded.fault}` : '';
      onEvent(`host: worker process ${worker.pid} is ready${fault}`);
      setFirst(loaded);
    }
    return worker;
  };
  const supervise = async () => {
    for (let notBefore: Promise<void> | undefined; !isStopping; notBefore = delay(readyAfterMs)) {
      const worker = forkWorker(options);
      current = worker;
      ready = makeReady(worker, notBefore);
      const how = await worker.ended;
      ready = null;
      if (isStopping) return;
      onEvent(`host: worker process ${worker.pid} ended (${how})`);
      // The real host does not count a restart after a timeout.
      if (!worker.timedOut && exits.add() >= mostExits) {
        onEvent('host: Exceeded language worker restart retry count for runtime:node. Shutting down.');
        setFirst({ kind: 'loaded', functions: [], fault: `the worker process ended (${how})` });
        return giveUp();
      }
      await delay(noticedAfterMs);
    }
  };
  void supervise();

  const { functions, fault } = await first;
  return {
    functions,
    fault,
    pid: () => (ready && current?.pid) ?? null,
    invoke: async ({ name, bindings }, { data, triggerMetadata = {}, caller }) => {
      if (!ready) throw new Error('there is no worker process now');
      const worker = await ready;
      return worker.invoke(name, {
        inputData: [{ name: triggerName(bindings), data }],
        triggerMetadata,
        traceContext: traceContext(isTracing, caller),
      });
    },
    async stop() {
      isStopping = true;
      await current?.terminate();
    },
    gaveUp,
  };
}

/** Counts exits as `AddOrUpdateErrorBucket` of the real host. */
function createExits() {
  let count = 0;
  let lastAt = 0;
  return {
    add(): number {
      count = Date.now() - lastAt > forgetAfterMs ? 1 : count + 1;
      lastAt = Date.now();
      return count;
    },
  };
}

function triggerName(bindings: FunctionMetadata['bindings']): string {
  const [name] = Object.entries(bindings).find(([, { type }]) => /trigger$/i.test(type)) ?? [];
  if (!name) throw new Error('a function without a trigger was registered');
  return name;
}
