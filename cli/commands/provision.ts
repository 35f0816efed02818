import { readConfigFor } from '../../src/config/config.js';
import { viewOf } from '../../src/device/view.js';
import type { OpsApp } from '../../src/openOpsApp.js';
import { type Acceptance, accept } from '../../src/provisioning/accept.js';
import { expectedAt } from '../../src/provisioning/expectedAt.js';
import { CliError, exitCodes } from '../errors.js';
import { examples, parseUuid } from '../options/common.js';
import { due, utc } from '../output/time.js';
import type { AddCommand } from './command.js';

export const addProvision: AddCommand = (parent, action) =>
  parent
    .command('provision')
    .summary('ask for a device’s credentials')
    .description(
      'Asks for the credentials of a device, as the device itself does. Asked again, it changes nothing; at another service, the credentials move there.',
    )
    .argument('<uuid>', 'of the device, all of it', parseUuid)
    .option('--service <name>', 'where the variables go; "" for the device level (default: DEFAULT_SERVICE)')
    .addHelpText(
      'after',
      examples(
        'provisioner provision $UUID --service main',
        'provisioner provision $UUID --service "" # for all services',
      ),
    )
    .action(
      action(async (session, options: { service?: string }, uuid: string) => {
        const [app, { settings }] = [await session.app(), await session.system()];
        const service = options.service ?? readConfigFor([], settings).defaultService;
        const acceptance = await accept(app, { uuid, present: true, service });
        expectTaken(acceptance);
        const isNew = acceptance.kind === 'accepted';
        const device = await shown(app, acceptance);
        session.answer({ outcome: acceptance.kind, ...device }, () =>
          isNew
            ? `${uuid} is ${device.state}${device.expectedAt ? `, expected ${due(device.expectedAt)}` : ''}. See: provisioner status ${uuid}`
            : `${uuid} is provisioned already, ${service === '' ? 'at the device level' : `for its service ${service}`}.`,
        );
      }),
    );

/** @throws CliError if it is refused for now */
function expectTaken(acceptance: Acceptance): void {
  if (acceptance.kind === 'service-conflict') {
    const { desired } = acceptance.record;
    throw new CliError(
      'service-conflict',
      exitCodes.refused,
      `The credentials were moved to the service "${desired.service}" less than ten minutes ago: ask again after ${at(acceptance.retryAt)}.`,
    );
  }
  if (acceptance.kind === 'failed') {
    const { error, uuid } = acceptance.record;
    throw new CliError(
      error?.code ?? 'unexpected',
      exitCodes.refused,
      `It failed: ${error?.message ?? 'nobody knows why.'} A device may ask again after ${at(acceptance.retryAt)}; once the cause is gone, ops need not wait: provisioner dead-letters replay --uuid ${uuid}`,
    );
  }
}

async function shown(app: OpsApp, { record }: Acceptance) {
  return viewOf(record, await expectedAt(app, record), app.clock.now());
}

function at(ms: number): string {
  return utc(new Date(ms).toISOString());
}
