import { resolve } from 'node:path';
import { applyLocalSettings } from '../../../src/config/localSettings.js';
import type { Simulator } from '../shared/runSimulator.js';
import { createApp } from './createApp.js';
import { readHostJson } from './hostSettings.js';
import { readKeys } from './http/keys.js';
import { runHooks } from './invoke.js';
import { loadApp, provideCoreModule } from './loadApp.js';
import { startSettlement } from './servicebus/settlement.js';
import type { UnderProcessing } from './servicebus/settler.js';
import { startTriggers } from './startTriggers.js';
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
  only?: 'http' | 'worker';
  /** See `readKeys`. */
  keysFile?: string;
  /** Gets the app's log, and one line for each invocation. Default: the console. */
  onEvent?(line: string): void;
}

export interface HostEndpoints {
  /** The address of the HTTP functions, such as `http://127.0.0.1:7071`. */
  url?: string;
  /** The names of the functions in this process. */
  functions: string[];
}

/**
 * Runs a built Functions app (Node v4 model) with the unmodified `@azure/functions`. A process can run only one host.
 *
 * @throws Error in one sentence that tells the operator what to change
 */
export async function startHost(options: HostOptions): Promise<Simulator<HostEndpoints>> {
  const { port = 7071, orFreePort = false, only, keysFile, onEvent = console.log } = options;
  const folder = resolve(options.appFolder);
  await applyLocalSettings(folder, process.env);
  const settings = await readHostJson(folder);
  const keys = await readKeys(keysFile);

  const underProcessing: UnderProcessing = new Map();
  const settlement = await startSettlement(underProcessing);
  // Azure passes the host's address to a worker in this argument.
  process.argv.push('--functions-uri', settlement.url);

  const app = createApp(onEvent, settings.isTracing);
  provideCoreModule(app.core);
  await loadApp(folder);
  await runHooks(app, 'appStart', {
    hookData: {},
    appHookData: app.appHookData,
    functionAppDirectory: folder,
  });
  app.endRegistration();
  const capabilities = await app.model().getCapabilities({});
  if (capabilities.HttpUri) {
    throw new Error('the local host does not support app.setup({ enableHttpStream: true })');
  }

  const running = createRunningInvocations();
  const host = { app, settings, keys, running, underProcessing, onEvent };
  const { url, functions, triggers } = await startTriggers(host, { port, orFreePort, only });

  return {
    endpoints: { ...(url && { url }), functions },
    close: async () => {
      await Promise.all(triggers.map((trigger) => trigger.stop()));
      const late = await running.idle(drainMs);
      if (late.length > 0) onEvent(`host: stopped while these were running: ${late.join(', ')}`);
      await Promise.all(triggers.map((trigger) => trigger.close()));
      await settlement.close();
      await runHooks(app, 'appTerminate', { hookData: {}, appHookData: app.appHookData });
    },
  };
}
