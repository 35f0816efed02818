import '../../requireNode24.js';
import { setFlagsFromString } from 'node:v8';
import { Command } from 'commander';
import { runSimulator } from '../shared/runSimulator.js';
import { parseQueue, queueHelp } from './parseQueue.js';
import type { BrokerOptions } from './startBroker.js';

// V8 lets its young generation grow to 3 x 16 MiB and more under load: with 100,000 messages waiting that was 90 of 330 MiB.
setFlagsFromString('--semi-space-growth-factor=1');

interface Flags {
  port: string;
  orFreePort?: boolean;
  folder?: string;
  queue: string[];
}

const collect = (value: string, before: string[]) => [...before, value];

const program = new Command('broker')
  .description(
    'A Service Bus-compatible broker for your own machine: AMQP 1.0 and the management API on one port, loopback only.',
  )
  .option('--port <port>', 'where it listens; 0 for any free port', '5672')
  .option('--or-free-port', 'take a free port when that one is in use')
  .option('--folder <folder>', 'where messages outlive the process; without it they are kept in memory only')
  .option('--queue <queue>', 'a queue to create, or to change; may be repeated', collect, [])
  .addHelpText('after', queueHelp)
  .parse();

await runSimulator('broker', async () => {
  const { port, orFreePort, folder, queue } = program.opts<Flags>();
  const options: BrokerOptions = { port: parsePort(port), folder, queues: queue.map(parseQueue) };
  if (orFreePort) options.orFreePort = true;
  // Loaded only now: what it needs is not in an older Node, which is to be told in one sentence.
  const { startBroker } = await import('./startBroker.js');
  return startBroker(options);
});

function parsePort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`--port ${text}: a number from 0 to 65535 is expected`);
}
