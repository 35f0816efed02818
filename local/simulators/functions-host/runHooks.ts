import type { HookName } from './core.js';
import type { App } from './createApp.js';

/** One after the other, in the order of their registration. What one throws ends the run, as in the real worker. */
export async function runHooks(app: App, name: HookName, context: object): Promise<void> {
  for (const hook of [...app.hooks[name]]) await hook(context);
}
