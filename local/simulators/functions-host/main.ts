import '../../requireNode24.js';
import { Command, InvalidArgumentError, Option } from 'commander';
import { runSimulator, wholeNumber } from '../shared/runSimulator.js';

interface Arguments {
  app: string;
  port: number;
  orFreePort?: boolean;
  only?: 'http' | 'worker';
  keys?: string;
  keysLateSeconds: number;
  state?: string;
  silenceSeconds: number;
}

const { app, port, orFreePort, only, keys, keysLateSeconds, state, silenceSeconds } = new Command(
  'functions-host',
)
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
  .option(
    '--keys-late-seconds <number>',
    'time after which a change of the keys file takes effect; in Azure a change by another instance takes more than a minute',
    wholeNumber,
    60,
  )
  .option(
    '--state <folder>',
    'folder for the locks and the status of timers, the same for all hosts of an app',
  )
  .option(
    '--silence-seconds <number>',
    'time without a frame after which the queue trigger takes its connection for lost',
    wholeNumber,
    60,
  )
  .parse()
  .opts<Arguments>();

await runSimulator('functions host', async () => {
  // A static import would fail in an older Node before requireNode24.js can report the required version.
  const { startHost } = await import('./startHost.js');
  return startHost({
    appFolder: app,
    port,
    orFreePort,
    only,
    keysFile: keys,
    keysLateSeconds,
    stateFolder: state,
    silenceSeconds,
  });
});

function toPort(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65_535) {
    throw new InvalidArgumentError('a port is a number from 0 to 65535.');
  }
  return number;
}
