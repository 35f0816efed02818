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
  .option('--app <folder>', 'folder with package.json and host.json', process.cwd())
  .option('--port <number>', 'port for HTTP on loopback; 0 for any free port', toPort, 7071)
  .option('--or-free-port', 'take a free port if --port is in use')
  .addOption(
    new Option('--only <part>', 'run only the HTTP functions, or only the other functions').choices([
      'http',
      'worker',
    ]),
  )
  .option(
    '--keys <file>',
    'access keys: {"master": "", "host": {"default": ""}, "functions": {"NAME": {"default": ""}}}',
  )
  .parse()
  .opts<Arguments>();

await runSimulator('functions host', async () => {
  // A static import would fail in an older Node before requireNode24.js can report the required version.
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
