import type { FunctionMetadata } from './core.js';
import type { App } from './createApp.js';
import type { HostSettings } from './hostSettings.js';
import { readHttpFunction, sortByRoute } from './http/httpFunction.js';
import type { Keys } from './http/keys.js';
import { startHttp } from './http/startHttp.js';
import { readQueueFunction } from './servicebus/processMessage.js';
import type { UnderProcessing } from './servicebus/settler.js';
import { connect, startQueueTrigger } from './servicebus/startQueueTrigger.js';
import { readTimerFunction, startTimer } from './startTimer.js';
import type { RunningInvocations, Trigger } from './trigger.js';

export interface Host {
  app: App;
  settings: HostSettings;
  keys: Keys;
  running: RunningInvocations;
  underProcessing: UnderProcessing;
  onEvent(line: string): void;
}

/**
 * Starts the triggers of the app's functions. The host reads all functions before the first start, so a mistake in one
 * function shows before another function takes its first message.
 *
 * @throws Error in one sentence naming the function or the setting
 */
export async function startTriggers(
  host: Host,
  { port, orFreePort, only }: { port: number; orFreePort: boolean; only?: 'http' | 'worker' },
): Promise<{ url?: string; functions: string[]; triggers: Trigger[] }> {
  const { app, settings, keys, running, onEvent } = host;
  const all = [...app.functions.values()].map((registered) => ({
    registered,
    name: registered.metadata.name,
    kind: checkFunction(registered.metadata),
  }));
  const selected = all
    .filter(({ name }) => !isDisabled(name))
    .filter(({ kind }) => !only || (kind === 'http') === (only === 'http'));
  const ofKind = (kindOfTrigger: TriggerKind) =>
    selected.filter(({ kind }) => kind === kindOfTrigger).map(({ registered }) => registered);

  const routes = sortByRoute(
    ofKind('http').map((registered) => readHttpFunction(registered, settings.routePrefix)),
  );
  const timers = ofKind('timer').map(readTimerFunction);
  const queues = ofKind('serviceBus').map(readQueueFunction);
  const clients = await Promise.all(
    queues.map(async ({ connection }) => ({
      receiving: await connect(connection),
      settling: await connect(connection),
    })),
  );

  const triggers: Trigger[] = [];
  let url: string | undefined;
  if (only !== 'worker') {
    const http = await startHttp({ app, functions: routes, keys, running, onEvent }, { port, orFreePort });
    url = http.url;
    triggers.push(http);
  }
  for (const timer of timers) triggers.push(startTimer(app, timer, host));
  for (const [index, queue] of queues.entries()) {
    const client = clients[index];
    if (client)
      triggers.push(startQueueTrigger(app, client, queue, { ...host, settings: settings.serviceBus }));
  }
  return { url, functions: selected.map(({ name }) => name), triggers };
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
 * @throws Error naming the function, if the name is invalid on Azure, or if the local host does not support a trigger or
 *   binding. Without the error an unsupported binding would silently do nothing.
 */
function checkFunction({ name, bindings }: FunctionMetadata): TriggerKind {
  if (!/^[a-z][a-z0-9_-]{0,127}$/i.test(name)) {
    throw new Error(
      `function ${name}: a name must start with a letter, followed by at most 127 letters, digits, "_" and "-"`,
    );
  }
  let kind: TriggerKind | undefined;
  for (const { type, direction } of Object.values(bindings)) {
    const found = kinds[type.toLowerCase()];
    if (found) kind = found;
    else if (!(type.toLowerCase() === 'http' && direction === 'out')) {
      throw new Error(`function ${name}: the local host does not support the binding "${type}"`);
    }
  }
  if (!kind) throw new Error(`function ${name} has no trigger`);
  return kind;
}

/** The setting `AzureWebJobs.<name>.Disabled` switches a function off. */
function isDisabled(name: string, env: NodeJS.ProcessEnv = process.env): boolean {
  return /^(true|1)$/i.test(env[`AzureWebJobs.${name}.Disabled`] ?? '');
}
