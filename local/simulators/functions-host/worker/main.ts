import type { FunctionMetadata } from './core.js';
import { createApp } from './createApp.js';
import { invoke, runHooks } from './invoke.js';
import { loadApp, provideCoreModule } from './loadApp.js';
import type { HostMessage, WorkerMessage } from './protocol.js';

/**
 * The worker process: runs the app's functions for the host, with the unmodified `@azure/functions`. An uncaught exception
 * or an unhandled rejection of the app ends the process, as in the real worker.
 */
const send = (message: WorkerMessage) => {
  if (process.connected) process.send?.(message);
};
let app: ReturnType<typeof createApp> | undefined;

// The host decides when the worker ends. Ctrl-C in a terminal signals both processes.
process.on('SIGINT', () => {});
process.on('disconnect', () => process.exit(0));
process.on('message', async (message: HostMessage) => {
  if (message.kind === 'load') send({ kind: 'loaded', ...(await load(message)) });
  else if (message.kind === 'invoke') await run(message);
  else await terminate();
});

async function load({ folder }: Extract<HostMessage, { kind: 'load' }>) {
  const created = createApp((line) => send({ kind: 'log', line }));
  provideCoreModule(created.core);
  try {
    await loadApp(folder);
    await runHooks(created, 'appStart', {
      hookData: {},
      appHookData: created.appHookData,
      functionAppDirectory: folder,
    });
    created.endRegistration();
    const capabilities = await created.model().getCapabilities({});
    if (capabilities.HttpUri) {
      throw new Error('the local host does not support app.setup({ enableHttpStream: true })');
    }
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    return { functions: [] as FunctionMetadata[], fault };
  }
  app = created;
  return { functions: [...app.functions.values()].map(({ metadata }) => metadata) };
}

async function run({ id, functionName, request }: Extract<HostMessage, { kind: 'invoke' }>): Promise<void> {
  try {
    const registered = app?.functions.get(functionName);
    if (!app || !registered) throw new Error(`the worker has no function ${functionName}`);
    send({ kind: 'succeeded', id, response: await invoke(app, registered, { id, request }) });
  } catch (error) {
    send({ kind: 'failed', id, error: nameAndMessage(error) });
  }
}

async function terminate(): Promise<void> {
  if (app) await runHooks(app, 'appTerminate', { hookData: {}, appHookData: app.appHookData });
  process.disconnect();
}

function nameAndMessage(error: unknown): { name: string; message: string } {
  if (error instanceof Error) return { name: error.name, message: error.message };
  return { name: 'Error', message: String(error) };
}
