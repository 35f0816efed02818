import './requireNode24.js';
import { styleText } from 'node:util';
import { Command } from 'commander';
import { applyLocalSettings } from '../src/config/localSettings.js';
import { playDevice } from './device/playDevice.js';
import { wholeNumber } from './simulators/shared/wholeNumber.js';
import { nextSteps } from './stack/Endpoints.js';
import { projectFolder } from './stack/projectFolder.js';
import { type Stack, startStack } from './stack/startStack.js';

const options = new Command('npm start --')
  .description(
    'Brings the whole system up on this machine: the functions in a local host, and simulators for balena, IoT Hub, Service Bus and Tables. ' +
      'A dependency whose real setting is given (environment or local.settings.json) is used instead of its simulator.',
  )
  .option('--fresh', 'forget everything from before')
  .option('--folder <path>', 'where all state is kept', '.local')
  .option('--port <number>', 'of the functions', wholeNumber, 7071)
  .option('--devices <number>', 'how many devices the demo fleet has at least', wholeNumber, 3)
  .option(
    '--units <number>',
    'S1 units of the hub: each allows 100 registry operations a minute',
    wholeNumber,
    1,
  )
  .option('--no-demo', 'do not provision a device at the start')
  .parse()
  .opts<{ fresh?: boolean; folder: string; port: number; devices: number; units: number; demo: boolean }>();

const print = (name: string, line: string) => console.log(`${styleText('dim', name.padEnd(11))} ${line}`);
let stack: Stack | undefined;
let stopping = false;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    if (stopping) {
      if (signal === 'SIGINT') process.exit(130);
      return;
    }
    stopping = true;
    console.log('\nStopping: running work finishes first. Once more Ctrl-C to stop at once.');
    await stack?.close();
    process.exit(0);
  });
}

try {
  const begun = Date.now();
  await applyLocalSettings(projectFolder(), process.env);
  console.log('Starting the functions, and what stands in for the cloud …');
  const settings = { IOTHUB_UNITS: String(options.units), ...process.env };
  stack = await startStack({ ...options, settings, hub: ['--units', String(options.units)], onLine: print });
  const { endpoints } = stack;
  const demo = options.demo ? endpoints.balena?.devices[0]?.uuid : undefined;
  if (demo && endpoints.iotHub) {
    console.log('\nA device of the demo fleet asks for its credentials:');
    await playDevice({
      endpoints,
      uuid: demo,
      service: 'main',
      messages: 1,
      intervalMs: 0,
      patienceMs: 120_000,
      say: (line) => print('device', `${demo.slice(0, 7)} ${line}`),
    });
  }
  console.log(
    `\nReady, ${((Date.now() - begun) / 1_000).toFixed(1)} s after the start.${nextSteps(endpoints, options.folder)}`,
  );
  for (const each of [...stack.hosts, ...Object.values(stack.simulators)]) {
    each?.ended.then(() => {
      if (!stopping)
        print(
          'start',
          `a process has ended by itself (exit code ${each.process.exitCode}): stop with Ctrl-C, and start again`,
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
