import { resolve } from 'node:path';
import { applyLocalSettings } from '../../../src/config/localSettings.js';
import type { Simulator } from '../shared/runSimulator.js';
import { createDrain } from './drain.js';
import { noHostFaults } from './hostFaults.js';
import { readHostJson } from './hostSettings.js';
import { openKeys } from './http/keys.js';
import { startHttp } from './http/startHttp.js';
import { noticeSilence, usualSilenceSeconds } from './servicebus/noticeSilence.js';
import { startSettlement } from './servicebus/settlement.js';
import type { UnderProcessing } from './servicebus/settler.js';
import { startHostControl } from './startHostControl.js';
import { readFunctions, startListeners } from './startTriggers.js';
import { startWorkers } from './startWorkers.js';
import { createRunningInvocations } from './trigger.js';

/** A stop waits this long for running invocations. */
const drainMs = 30_000;

export interface HostOptions {
  /** The folder with the app's package.json and host.json. */
  appFolder: string;
  /** Default 7071. */
  port?: number;
  /** Take a free port if `port` is in use. */
  orFreePort?: boolean;
  /** Run only the HTTP functions, or only the other functions. Default: all. */
  only?: 'http' | 'worker' | undefined;
  /** See `openKeys`. */
  keysFile?: string | undefined;
  /** A change of the keys file takes effect after this time at the latest, seconds. Default 60. */
  keysLateSeconds?: number;
  /** The folder for the locks and the status of timers, the same for all hosts of an app. Default: none is kept. */
  stateFolder?: string | undefined;
  /** The queue trigger takes a connection for lost after this time without a frame. Default 60, as in the real host. */
  silenceSeconds?: number;
  /** Gets the app's log, and one line for each invocation. Default: the console. */
  onEvent?(line: string): void;
}

export interface HostEndpoints {
  /** The address of the HTTP functions, such as `http://127.0.0.1:7071`. */
  url?: string;
  /** The address of the control server, see `startHostControl`. */
  controlUrl: string;
  /** The names of the functions in this host. */
  functions: string[];
  /** Why the host has no functions: an entry file could not be loaded. */
  fault?: string;
}

/**
 * Runs a built Functions app (Node v4 model) with the unmodified `@azure/functions` in a worker process, as the real host
 * does.
 *
 * @throws Error in one sentence that tells the operator what to change, for a mistake outside of the app's code
 */
export async function startHost(options: HostOptions): Promise<Simulator<HostEndpoints>> {
  const { port = 7071, orFreePort = false, only, stateFolder, onEvent = console.log } = options;
  const folder = resolve(options.appFolder);
  await applyLocalSettings(folder, process.env);
  const settings = await readHostJson(folder);
  noticeSilence(options.silenceSeconds ?? usualSilenceSeconds);
  const keys = await openKeys(options.keysFile, options.keysLateSeconds);

  const running = createRunningInvocations();
  const underProcessing: UnderProcessing = new Map();
  const drain = createDrain(running);
  const http =
    only === 'worker'
      ? null
      : await startHttp({ keys, running, drain, limits: settings.http, onEvent }, { port, orFreePort });
  const faults = noHostFaults();
  const settlement = await startSettlement(underProcessing, faults);
  const { isTracing, functionTimeoutMs } = settings;
  const workers = await startWorkers({
    folder,
    functionsUri: settlement.url,
    isTracing,
    functionTimeoutMs,
    onEvent,
  });
  const host = {
    workers,
    settings,
    running,
    underProcessing,
    faults,
    stateFolder: stateFolder ?? null,
    onEvent,
  };
  const functions = readFunctions(host, only);
  http?.serve(workers, functions.http);
  const listeners = await startListeners(host, functions);
  drain.setListeners(listeners);
  const control = await startHostControl({ workers, drain, faults });

  return {
    endpoints: {
      ...(http && { url: http.url }),
      controlUrl: control.url,
      functions: [functions.http, functions.timers, functions.queues].flat().map(({ name }) => name),
      ...(workers.fault !== undefined && { fault: workers.fault }),
    },
    failed: workers.gaveUp,
    close: async () => {
      await drain.start();
      await http?.stop();
      const late = await running.idle(drainMs);
      if (late.length > 0) onEvent(`host: stopped while these were running: ${late.join(', ')}`);
      await Promise.all([http, ...listeners].map((trigger) => trigger?.close()));
      await settlement.close();
      await workers.stop();
      await control.close();
    },
  };
}
