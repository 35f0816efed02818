import { viewOf } from '../../src/device/view.js';
import { accept } from '../../src/provisioning/accept.js';
import { expectedAt } from '../../src/provisioning/expectedAt.js';
import { CliError, exitCodes } from '../errors.js';
import { examples, parseUuid, yesOption } from '../options/common.js';
import { due } from '../output/time.js';
import type { AddCommand } from './command.js';

export const addDeprovision: AddCommand = (parent, action) =>
  parent
    .command('deprovision')
    .summary('take a device’s credentials away')
    .description(
      'Takes a device’s identity out of the hub and its variables out of balena. It is not sticky: a device that asks again gets new credentials.',
    )
    .argument('<uuid>', 'of the device, all of it', parseUuid)
    .addOption(yesOption())
    .addHelpText(
      'after',
      examples('provisioner deprovision $UUID # asks first', 'provisioner deprovision $UUID --yes --json'),
    )
    .action(
      action(async (session, { yes = false }: { yes?: boolean }, uuid: string) => {
        session.expectAnswer(yes);
        const app = await session.app();
        const found = await app.records.read(uuid);
        const was = found
          ? `it is ${viewOf(found.value, null, app.clock.now()).state} now`
          : 'nothing was ever asked for it here';
        const what = `The device ${uuid} (${was}) loses its identity in the hub and its variables in balena: it cannot connect any more.`;
        if (!(await session.confirm(what, yes)))
          throw new CliError('not-confirmed', exitCodes.refused, 'Nothing was done.');
        const { record } = await accept(app, { uuid, present: false });
        const device = viewOf(record, await expectedAt(app, record), app.clock.now());
        session.answer(
          { outcome: 'accepted', ...device },
          () =>
            `${uuid} is ${device.state} to be deprovisioned${device.expectedAt ? `, expected ${due(device.expectedAt)}` : ''}. See: provisioner status ${uuid}`,
        );
      }),
    );
