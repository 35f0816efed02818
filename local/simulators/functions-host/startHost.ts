import { resolve } from 'node:path';
import { applyLocalSettings } from '../../../src/config/localSettings.js';
import type { Simulator } from '../shared/runSimulator.js';
import { createApp } from './createApp.js';
import { createRunning } from './createRunning.js';
import { readKeys } from './http/readKeys.js';
import { loadApp } from './loadApp.js';
import { provideCoreModule } from './provideCoreModule.js';
import { readHostJson } from './readHostJson.js';
import { runHooks } from './runHooks.js';
import type { UnderProcessing } from './servicebus/underProcessing.js';
import { startSettlement } from './settlement/startSettlement.js';
import { startTriggers } from './startTriggers.js';

/** How long a stop waits for invocations that run. */
const drainMs = 30_000;

export interface HostOptions {
  /** Where the app's package.json and host.json are. */
  appFolder: string;
  /** Default 7071. */
  port?: number;
  /** Take a free port when that one is in use. */
  orFreePort?: boolean;
  /** Only the HTTP functions, or only the others. Default: all. */
  only?: 'http' | 'worker';
  /** See `readKeys`. */
  keysFile?: string;
  /** Gets one line per invocation, and the app's log. Default: the console. */
  onEvent?(line: string): void;
}

export interface HostEndpoints {
  /** Of the HTTP functions; `http://127.0.0.1:7071`. */
  url?: string;
  /** Those that run here, by name. */
  functions: string[];
}

/**
 * Runs a built Functions app (Node v4 model) with the unmodified `@azure/functions`. A process can do it once.
 *
 * @throws Error in one sentence that says what to change
 */
export async function startHost(options: HostOptions): Promise<Simulator<HostEndpoints>> {
  const { port = 7071, orFreePort = false, only, keysFile, onEvent = console.log } = options;
  const folder = resolve(options.appFolder);
  await applyLocalSettings(folder, process.env);
  const settings = await readHostJson(folder);
  const keys = await readKeys(keysFile);

  const underProcessing: UnderProcessing = new Map();
  const settlement = await startSettlement(underProcessing);
  // The way in which a worker learns where its host is.
  process.argv.push('--functions-uri', settlement.url);

  const app = createApp(onEvent, settings.isTracing);
  provideCoreModule(app.core);
  await loadApp(folder);
  await runHooks(app, 'appStart', {
    hookData: {},
    appHookData: app.appHookData,
    functionAppDirectory: folder,
  });
  app.lock();
  const capabilities = await app.model().getCapabilities({});
  if (capabilities.HttpUri) {
    throw new Error('app.setup({ enableHttpStream: true }) is not served by the local host');
  }

  const running = createRunning();
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
