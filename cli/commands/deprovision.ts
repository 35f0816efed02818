import { viewOf } from '../../src/device/view.js';
import { acceptAudited } from '../../src/ops/requests/device.js';
import { expectedAt } from '../../src/provisioning/expectedAt.js';
import { CliError, exitCodes } from '../exitCodes.js';
import { byOption, examples, parseUuid, yesOption } from '../options/common.js';
import { due } from '../output/time.js';
import type { AddCommand } from './command.js';

export const addDeprovision: AddCommand = (parent, action) =>
  parent
    .command('deprovision')
    .summary('remove the credentials of a device')
    .description(
      'Removes the identity of a device from IoT Hub and its variables from balena. A new request of the device provisions the device again.',
    )
    .argument('<uuid>', 'the UUID of the device, or at least the first 7 digits', parseUuid)
    .addOption(yesOption())
    .addOption(byOption())
    .addHelpText(
      'after',
      examples('provisioner deprovision $UUID # asks first', 'provisioner deprovision $UUID --yes --json'),
    )
    .action(
      action(async (session, { yes = false, by }: { yes?: boolean; by: string }, uuid: string) => {
        session.requireConfirmable(yes);
        const app = await session.app();
        const found = await app.records.read(uuid);
        const present = found
          ? `now ${viewOf(found.value, null, app.clock.now()).state}`
          : 'without any request until now';
        const effect = `The device ${uuid} (${present}) will lose its identity in IoT Hub and its variables in balena, and cannot connect any more.`;
        if (!(await session.confirm(effect, yes)))
          throw new CliError('not-confirmed', exitCodes.rejected, 'Not confirmed: nothing was removed.');
        const { record } = await acceptAudited(app, { operation: 'deprovision', uuid, service: '', by });
        const device = viewOf(record, await expectedAt(app, record), app.clock.now());
        session.printResult(
          { outcome: 'accepted', ...device },
          () =>
            `The deprovisioning of ${uuid} is ${device.state}${device.expectedAt ? `, expected ${due(device.expectedAt)}` : ''}. See: provisioner status ${uuid}`,
        );
      }),
    );
