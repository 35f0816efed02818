import './requireNode24.js';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { applyLocalSettings } from '../src/config/localSettings.js';
import { fewestDevices, showDemo } from './device/demo.js';
import { standardCredits } from './simulators/servicebus/engine/Credits.js';
import { onStop } from './simulators/shared/onStop.js';
import { keepFilesPrivate, wholeNumber } from './simulators/shared/runSimulator.js';
import { claimFolder } from './stack/claimFolder.js';
import { nextSteps } from './stack/Endpoints.js';
import { projectFolder } from './stack/projectFolder.js';
import { type Stack, startStack, usualPort } from './stack/startStack.js';

const options = new Command('npm start --')
  .description(
    'Starts the whole system on this machine: the functions in a local host, and simulators of balena, IoT Hub, Service Bus and Tables. ' +
      'If the settings (environment or local.settings.json) name a real dependency, the real one is used instead of the simulator.',
  )
  .option('--fresh', 'delete all state of earlier runs first')
  .option('--folder <path>', 'folder of all state', '.local')
  .option(
    '--port <number>',
    `port of the functions (default: ${usualPort}, or a free port if that is in use)`,
    wholeNumber,
  )
  .option('--devices <number>', 'least number of devices in the demo fleet', wholeNumber, 3)
  .option(
    '--units <number>',
    'S1 units of the hub; each unit allows 100 registry operations a minute',
    wholeNumber,
    1,
  )
  .option(
    '--credits <number>',
    'credits of the Service Bus namespace for each second; 0: no limit',
    wholeNumber,
    standardCredits,
  )
  .option('--no-demo', 'do not provision the two demo devices after the start')
  .parse()
  .opts<{
    fresh?: boolean;
    folder: string;
    port?: number;
    devices: number;
    units: number;
    credits: number;
    demo: boolean;
  }>();

const print = (name: string, line: string) => console.log(`${styleText('dim', name.padEnd(11))} ${line}`);
let stack: Stack | undefined;
let stopping = false;

onStop(async (signal) => {
  if (stopping) {
    if (signal === 'SIGINT') process.exit(130);
    return;
  }
  stopping = true;
  console.log('\nStopping when the running work has finished. Press Ctrl-C again to stop at once.');
  await stack?.close();
  process.exit(0);
});

keepFilesPrivate();
try {
  const begun = Date.now();
  const claim = await claimFolder(options.folder);
  if (claim === null)
    throw new Error(
      `a system is running already in ${options.folder}. Use the running system (its addresses: ${join(options.folder, 'endpoints.json')}), stop it with Ctrl-C in its terminal, or start another one with --folder <path>.`,
    );
  await applyLocalSettings(projectFolder(), process.env);
  console.log('Starting the simulators, then the functions …');
  const settings = { IOTHUB_UNITS: String(options.units), ...process.env };
  const devices = Math.max(options.devices, options.demo ? fewestDevices : 0);
  stack = await startStack({
    ...options,
    devices,
    claim,
    settings,
    hub: ['--units', String(options.units)],
    onLine: print,
  });
  const { endpoints } = stack;
  if (options.port === undefined && new URL(endpoints.functions.url).port !== String(usualPort))
    print('start', `Port ${usualPort} is in use. The functions use ${endpoints.functions.url}.`);
  if (options.demo) await showDemo(endpoints, options.folder, print);
  console.log(
    `\nReady, ${((Date.now() - begun) / 1_000).toFixed(1)} s after the start.${nextSteps(endpoints, options.folder)}`,
  );
  for (const each of [...stack.hosts, ...Object.values(stack.simulators)]) {
    each?.ended.then(() => {
      if (!stopping)
        print(
          'start',
          `${each.name} ended unexpectedly (${each.process.signalCode ?? `exit code ${each.process.exitCode}`}). Stop with Ctrl-C and start again.`,
        );
    });
  }
} catch (error) {
  if (!stopping) {
    console.error(`\nThe system cannot start: ${error instanceof Error ? error.message : error}`);
    await stack?.close();
    process.exit(1);
  }
}
