import { readHistory } from '../../src/ops/devices/history.js';
import { readSystemHealth } from '../../src/ops/overview/readStatus.js';
import { exitCodes } from '../exitCodes.js';
import { examples, parseUuid } from '../options/common.js';
import { showHistory } from '../output/showHistory.js';
import { showStatus } from '../output/showStatus.js';
import type { AddCommand } from './command.js';

export const addStatus: AddCommand = (parent, action) =>
  parent
    .command('status')
    .summary('show the state of the system, and of a device')
    .description(
      'Shows the state of the whole system: healthy, catching up, needs attention, throttled or stopped, with the cause and the next step. ' +
        'With a device, the command also shows the state, the error, the certificate and the history of the device: each step with time and outcome. ' +
        'Without a device, the exit code is 1 if the system is neither healthy nor catching up.',
    )
    .argument('[uuid]', 'the UUID of the device, or at least the first 7 digits', parseUuid)
    .addHelpText(
      'after',
      examples(
        'provisioner status',
        'provisioner status $UUID',
        'provisioner status $UUID --json | jq -r .device.state',
        'provisioner status --json | jq -r .system.state',
      ),
    )
    .action(
      action(async (session, _options: object, uuid: string | undefined) => {
        const app = await session.app();
        const [{ status: system }, found] = await Promise.all([
          readSystemHealth(app),
          uuid === undefined ? null : readHistory(app, uuid),
        ]);
        if (found) {
          session.printResult({ system, ...found }, (shown) =>
            [showStatus(shown.system, session.width), '', showHistory(shown, session.width)].join('\n'),
          );
          return;
        }
        session.printResult({ system }, (shown) => showStatus(shown.system, session.width));
        const isWell = system.state === 'healthy' || system.state === 'catching-up';
        return isWell ? exitCodes.ok : exitCodes.problems;
      }),
    );
