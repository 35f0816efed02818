import { readHistory } from '../../src/ops/devices/history.js';
import { examples, parseUuid } from '../options/common.js';
import { showHistory } from '../output/showHistory.js';
import type { AddCommand } from './command.js';

export const addStatus: AddCommand = (parent, action) =>
  parent
    .command('status')
    .summary('show state, certificate and history of a device')
    .description(
      'Shows the state, the error, the certificate and the history of a device: each step with time and outcome.',
    )
    .argument('<uuid>', 'the UUID of the device, or at least the first 7 digits', parseUuid)
    .addHelpText(
      'after',
      examples('provisioner status $UUID', 'provisioner status $UUID --json | jq -r .device.state'),
    )
    .action(
      action(async (session, _options: object, uuid: string) => {
        const history = await readHistory(await session.app(), uuid);
        session.printResult(history, (shown) => showHistory(shown, session.width));
      }),
    );
