import { describeError } from './describeError.js';
import type { Host } from './Host.js';
import { type HttpFunction, readHttpFunction } from './http/httpFunction.js';
import { type QueueFunction, readQueueFunction } from './servicebus/processMessage.js';
import { connect, startQueueTrigger } from './servicebus/startQueueTrigger.js';
import { readTimerFunction, startTimer, type TimerFunction } from './timer/startTimer.js';
import type { Trigger } from './trigger.js';
import type { FunctionMetadata } from './worker/core.js';

/** The functions that this host runs. */
export interface Functions {
  http: HttpFunction[];
  timers: TimerFunction[];
  queues: QueueFunction[];
}

/**
 * Reads the functions of the worker. As in the real host, a mistake in a function is in the log, that function does not run,
 * and the other functions run.
 *
 * @param only see `HostOptions`
 */
export function readFunctions(
  { workers, settings, onEvent }: Pick<Host, 'workers' | 'settings' | 'onEvent'>,
  only?: 'http' | 'worker',
): Functions {
  const functions: Functions = { http: [], timers: [], queues: [] };
  for (const metadata of workers.functions) {
    try {
      if (isDisabled(metadata.name)) continue;
      const kind = checkFunction(metadata);
      if (only && (kind === 'http') !== (only === 'http')) continue;
      if (kind === 'http')
        functions.http.push(readHttpFunction(metadata, settings.routePrefix, functions.http));
      else if (kind === 'timer') functions.timers.push(readTimerFunction(metadata));
      else functions.queues.push(readQueueFunction(metadata));
    } catch (error) {
      onEvent(`host: The '${metadata.name}' function is in error: ${(error as Error).message}`);
    }
  }
  return functions;
}

/** Starts timers and queue triggers. A trigger whose connection is missing is in the log, and does not start. */
export async function startListeners(host: Host, { timers, queues }: Functions): Promise<Trigger[]> {
  const listeners: Trigger[] = timers.map((timer) => startTimer(timer, host));
  for (const queue of queues) {
    try {
      const clients = {
        receiving: await connect(queue.connection),
        settling: await connect(queue.connection),
      };
      listeners.push(
        startQueueTrigger(host.workers, clients, queue, { ...host, settings: host.settings.serviceBus }),
      );
    } catch (error) {
      host.onEvent(
        `host: The listener for function '${queue.name}' was unable to start: ${describeError(error)}`,
      );
    }
  }
  return listeners;
}

/** The supported kinds of triggers. */
type TriggerKind = 'http' | 'serviceBus' | 'timer';

const kinds: Record<string, TriggerKind> = {
  httptrigger: 'http',
  servicebustrigger: 'serviceBus',
  timertrigger: 'timer',
};

/**
 * Finds the kind of a function's trigger.
 *
 * @throws Error if the function's name is invalid on Azure, or if the local host does not support a trigger or binding.
 *   Without the error an unsupported binding would silently do nothing.
 */
function checkFunction({ name, bindings }: FunctionMetadata): TriggerKind {
  if (!/^[a-z][a-z0-9_-]{0,127}$/i.test(name)) {
    throw new Error('a name must start with a letter, followed by at most 127 letters, digits, "_" and "-"');
  }
  let kind: TriggerKind | undefined;
  for (const { type, direction } of Object.values(bindings)) {
    const found = kinds[type.toLowerCase()];
    if (found) kind = found;
    else if (!(type.toLowerCase() === 'http' && direction === 'out')) {
      throw new Error(`the local host does not support the binding "${type}"`);
    }
  }
  if (!kind) throw new Error('the function has no trigger');
  return kind;
}

/**
 * The settings `AzureWebJobs.<name>.Disabled` and, for Linux, `AzureWebJobs_<name>_Disabled` switch a function off, in any
 * case.
 */
export function isDisabled(name: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const names = [`AzureWebJobs.${name}.Disabled`, `AzureWebJobs_${name}_Disabled`].map((one) =>
    one.toLowerCase(),
  );
  return Object.entries(env).some(
    ([setting, value]) => names.includes(setting.toLowerCase()) && /^(true|1)$/i.test(value ?? ''),
  );
}
