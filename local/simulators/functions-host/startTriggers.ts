import { checkFunction, isDisabled } from './checkFunction.js';
import type { App } from './createApp.js';
import type { Running } from './createRunning.js';
import { readHttpFunction, sortByRoute } from './http/readHttpFunction.js';
import type { Keys } from './http/readKeys.js';
import { startHttp } from './http/startHttp.js';
import type { HostSettings } from './readHostJson.js';
import { connect } from './servicebus/connect.js';
import { readQueueFunction } from './servicebus/readQueueFunction.js';
import { startQueueTrigger } from './servicebus/startQueueTrigger.js';
import type { UnderProcessing } from './servicebus/underProcessing.js';
import { readTimerFunction } from './timer/readTimerFunction.js';
import { startTimer } from './timer/startTimer.js';
import type { Trigger } from './trigger.js';

export interface Host {
  app: App;
  settings: HostSettings;
  keys: Keys;
  running: Running;
  underProcessing: UnderProcessing;
  onEvent(line: string): void;
}

/**
 * Starts what triggers the app's functions. Everything is read first: a mistake in one function must not show after another has
 * taken its first message.
 *
 * @throws Error in one sentence that names the function or the setting
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
  const here = all
    .filter(({ name }) => !isDisabled(name))
    .filter(({ kind }) => !only || (kind === 'http') === (only === 'http'));
  const of = (wanted: string) =>
    here.filter(({ kind }) => kind === wanted).map(({ registered }) => registered);

  const routes = sortByRoute(
    of('http').map((registered) => readHttpFunction(registered, settings.routePrefix)),
  );
  const timers = of('timer').map(readTimerFunction);
  const queues = of('serviceBus').map(readQueueFunction);
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
  return { url, functions: here.map(({ name }) => name), triggers };
}
