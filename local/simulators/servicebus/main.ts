import '../../requireNode24.js';
import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import { runSimulator, wholeNumber } from '../shared/runSimulator.js';
import { serviceIdleTimes } from './amqp/IdleWatch.js';
import { standardCredits } from './engine/Credits.js';
import { parseQueue, queueHelp } from './parseQueue.js';
import type { BrokerOptions } from './startBroker.js';

// By default V8 lets its young generation grow to 3 x 16 MiB and more under load. With 100,000 waiting messages the young
// generation took 90 of 330 MiB.
setFlagsFromString('--semi-space-growth-factor=1');

interface Flags {
  port: string;
  orFreePort?: boolean;
  folder?: string;
  queue: string[];
  idleLink: number;
  idleConnection: number;
  credits: number;
}

const SECONDS = 1000;

const collect = (value: string, before: string[]) => [...before, value];

const program = new Command('broker')
  .description(
    'Runs a Service Bus-compatible broker on this machine: AMQP 1.0 and the management API on one loopback port.',
  )
  .option('--port <port>', 'port on loopback; 0 for any free port', '5672')
  .option('--or-free-port', 'take a free port if --port is in use')
  .option('--folder <folder>', 'keep messages in this folder; without the option only in memory')
  .option('--queue <queue>', 'create or change a queue; may be repeated', collect, [])
  .option(
    '--idle-link <seconds>',
    'detach a link without use after this time, as Service Bus does; 0: never',
    wholeNumber,
    serviceIdleTimes.linkMs / SECONDS,
  )
  .option(
    '--idle-connection <seconds>',
    'close a connection without links after this time, as Service Bus does; 0: never',
    wholeNumber,
    serviceIdleTimes.connectionMs / SECONDS,
  )
  .option(
    '--credits <number>',
    'credits of the namespace for each second, as in the standard tier of Service Bus; 0: no limit',
    wholeNumber,
    standardCredits,
  )
  .addHelpText('after', queueHelp)
  .parse();

await runSimulator('broker', async () => {
  const { port, orFreePort, folder, queue, idleLink, idleConnection, credits } = program.opts<Flags>();
  const options: BrokerOptions = {
    port: parsePort(port),
    folder,
    queues: queue.map(parseQueue),
    credits: credits === 0 ? Infinity : credits,
    idle: { linkMs: idleMs(idleLink), connectionMs: idleMs(idleConnection) },
  };
  if (orFreePort) options.orFreePort = true;
  // A dynamic import, because older versions of Node cannot load this module. requireNode24.js then reports the required
  // version in one sentence.
  const { startBroker } = await import('./startBroker.js');
  return startBroker(options);
});

/** @param seconds 0 means never */
function idleMs(seconds: number): number {
  return seconds === 0 ? Infinity : seconds * SECONDS;
}

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`--port ${text}: a number from 0 to 65535 is expected`);
}
