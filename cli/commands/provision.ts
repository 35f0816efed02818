import { readConfigFor } from '../../src/config/config.js';
import { viewOf } from '../../src/device/view.js';
import type { OpsApp } from '../../src/openOpsApp.js';
import { acceptAudited } from '../../src/ops/requests/device.js';
import { type Acceptance, whyConflict } from '../../src/provisioning/accept.js';
import { expectedAt } from '../../src/provisioning/expectedAt.js';
import type { EpochMs } from '../../src/shared/time.js';
import { CliError, exitCodes } from '../exitCodes.js';
import { byOption, examples, parseService, parseUuid } from '../options/common.js';
import { due, utc } from '../output/time.js';
import type { AddCommand } from './command.js';

export const addProvision: AddCommand = (parent, action) =>
  parent
    .command('provision')
    .summary('request credentials for a device')
    .description(
      'Requests credentials (a certificate and its private key, as variables in balena) for a device, as the device itself does. A repeated request changes nothing. A request for another service moves the credentials to that service.',
    )
    .argument('<uuid>', 'the UUID of the device, or at least the first 7 digits', parseUuid)
    .option(
      '--service <name>',
      'service for the variables; "" for the device level (default: the setting DEFAULT_SERVICE)',
      parseService,
    )
    .addOption(byOption())
    .addHelpText(
      'after',
      examples(
        'provisioner provision $UUID --service main',
        'provisioner provision $UUID --service "" # for all services',
      ),
    )
    .action(
      action(async (session, options: { service?: string; by: string }, uuid: string) => {
        const [app, { settings }] = [await session.app(), await session.system()];
        const service = options.service ?? readConfigFor([], settings).defaultService;
        const { by } = options;
        const acceptance = await acceptAudited(app, { operation: 'provision', uuid, service, by });
        requireAccepted(acceptance);
        const isNew = acceptance.kind === 'accepted';
        const device = await deviceView(app, acceptance);
        session.printResult({ outcome: acceptance.kind, ...device }, (shown) =>
          isNew
            ? `${uuid} is ${device.state}${device.expectedAt ? `, expected ${due(device.expectedAt)}` : ''}. See: provisioner status ${uuid}`
            : `${uuid} is already provisioned ${service === '' ? 'at the device level' : `for the service ${shown.service}`}.${acceptance.kind === 'checking' ? ' A worker checks its variables in balena.' : ''}`,
        );
      }),
    );

/** @throws CliError if the request was not accepted */
function requireAccepted(acceptance: Acceptance): void {
  if (acceptance.kind === 'service-conflict') {
    throw new CliError(
      'service-conflict',
      exitCodes.rejected,
      `${whyConflict(acceptance.record)} Repeat the request after ${at(acceptance.retryAt)}.`,
    );
  }
  if (acceptance.kind === 'failed') {
    const { error, uuid } = acceptance.record;
    throw new CliError(
      error?.code ?? 'unexpected',
      exitCodes.rejected,
      `The last request failed: ${error?.message ?? 'the reason is unknown.'} The next request is possible after ${at(acceptance.retryAt)}. After the cause is fixed, repeat the request at once: provisioner dead-letters replay --uuid ${uuid}`,
    );
  }
}

async function deviceView(app: OpsApp, { record }: Acceptance) {
  return viewOf(record, await expectedAt(app, record), app.clock.now());
}

function at(ms: EpochMs): string {
  return utc(new Date(ms).toISOString());
}
