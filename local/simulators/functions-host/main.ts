import '../../requireNode24.js';
import { Command, InvalidArgumentError, Option } from 'commander';
import { runSimulator } from '../shared/runSimulator.js';

interface Arguments {
  app: string;
  port: number;
  orFreePort?: boolean;
  only?: 'http' | 'worker';
  keys?: string;
}

const { app, port, orFreePort, only, keys } = new Command('functions-host')
  .description('Runs a built Azure Functions app (Node v4 model) on this machine.')
  .option('--app <folder>', 'where its package.json and host.json are', process.cwd())
  .option('--port <number>', 'for HTTP, on loopback; 0 for any free one', toPort, 7071)
  .option('--or-free-port', 'take a free port when that one is in use')
  .addOption(new Option('--only <part>', 'the HTTP functions, or all others').choices(['http', 'worker']))
  .option(
    '--keys <file>',
    'access keys: {"master": "", "host": {"default": ""}, "functions": {"NAME": {"default": ""}}}',
  )
  .parse()
  .opts<Arguments>();

await runSimulator('functions host', async () => {
  // Loaded only now: what it needs is not in an older Node, which is to be told in one sentence.
  const { startHost } = await import('./startHost.js');
  return startHost({ appFolder: app, port, orFreePort, only, keysFile: keys });
});

function toPort(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  }
  return number;
}
