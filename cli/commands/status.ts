import { readHistory } from '../../src/ops/devices/history.js';
import { examples, parseUuid } from '../options/common.js';
import { showHistory } from '../output/showHistory.js';
import type { AddCommand } from './command.js';

export const addStatus: AddCommand = (parent, action) =>
  parent
    .command('status')
    .summary('one device: its state, its certificate, and what happened to it')
    .description(
      'Shows the state of a device, why it failed, its certificate, and its story: each step with its time and outcome.',
    )
    .argument('<uuid>', 'of the device, all of it', parseUuid)
    .addHelpText(
      'after',
      examples('provisioner status $UUID', 'provisioner status $UUID --json | jq -r .device.state'),
    )
    .action(
      action(async (session, _options: object, uuid: string) => {
        const history = await readHistory(await session.app(), uuid);
        session.answer(history, () => showHistory(history, session.width));
      }),
    );
