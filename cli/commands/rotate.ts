import { cancelAction } from '../../src/ops/bulk/cancel.js';
import { planAction } from '../../src/ops/bulk/plan.js';
import { printable } from '../../src/shared/printable.js';
import { CliError, exitCodes } from '../exitCodes.js';
import {
  byOption,
  examples,
  parseCount,
  parsePositive,
  parseSlug,
  parseUuid,
  yesOption,
} from '../options/common.js';
import { showAction } from '../output/showAction.js';
import { plural } from '../output/text.js';
import type { AddCommand } from './command.js';
import { startAndFollow } from './startAndFollow.js';

interface RotateOptions {
  fleet?: string;
  service?: string;
  mintedBefore?: string;
  all?: boolean;
  revokeOld?: boolean;
  dryRun?: boolean;
  rate?: number;
  ramp?: boolean;
  limit?: number;
  follow: boolean;
  yes?: boolean;
  by: string;
}

export const addRotate: AddCommand = (parent, action) =>
  parent
    .command('rotate')
    .summary('replace certificates without an outage')
    .description(
      'Replaces the certificate of a device, of a fleet, or all certificates created before a date (for example after a leak). The hub accepts the new certificate before the device receives it. The old certificate is accepted until the next rotation, except with --revoke-old. The workers process the rotation, even after this command has ended.',
    )
    .argument('[uuid]', 'the UUID of one device, or at least the first 7 digits', parseUuid)
    .option('--fleet <slug>', 'devices in this fleet', parseSlug)
    .option('--service <name>', 'devices with this service; "" for the device level')
    .option('--minted-before <when>', 'created before this time: 2h, 7d, or 2026-11-24T03:00:00Z')
    .option('--all', 'all certificates, without a filter')
    .option(
      '--revoke-old',
      'the hub rejects the old certificates as soon as balena shows the new ones: a device is offline until its service has restarted',
    )
    .option('--dry-run', 'only show the plan')
    .option('--rate <number>', "requests in a minute (default: the hub's limit)", parsePositive)
    .option('--ramp', 'start with 10, then double; halt if more than a tenth fails')
    .option('--limit <count>', 'rotate at most this many, the oldest first', parseCount)
    .option('--no-follow', 'do not wait until the action is finished')
    .addOption(yesOption())
    .addOption(byOption())
    .addHelpText(
      'after',
      examples(
        'provisioner rotate $UUID',
        'provisioner rotate --fleet my_org/my_fleet --ramp',
        'provisioner rotate --minted-before 2026-11-24T03:00:00Z --revoke-old # a leak',
      ),
    )
    .action(
      action(async (session, options: RotateOptions, uuid?: string) => {
        const { fleet, service, mintedBefore, rate, ramp = false, limit, yes = false, by } = options;
        const { revokeOld: revoke = false, dryRun = false, follow } = options;
        const given = Object.entries({ uuid, fleet, service, mintedBefore });
        const filter = Object.fromEntries(given.filter(([, value]) => value !== undefined));
        if (Object.keys(filter).length === 0 && !options.all)
          throw new CliError(
            'no-filter',
            exitCodes.wrongUsage,
            'Select certificates with a UUID, --fleet, --service or --minted-before, or select all with --all.',
          );
        if (!dryRun) session.requireConfirmable(yes);
        const app = await session.app();
        const plan = await planAction(app, {
          kind: 'rotate',
          filter,
          revoke,
          by,
          ...(rate !== undefined && { rate }),
        });
        if (plan.counts.planned === 0 && uuid !== undefined)
          throw new CliError(
            'no-certificate',
            exitCodes.notFound,
            revoke
              ? `No certificate of this device is known. To see the state of the device: provisioner status ${uuid}`
              : `No certificate of this device is known, or the device has an own key: only the device can replace its certificate. To see which: provisioner status ${uuid}`,
          );
        if (dryRun || plan.counts.planned === 0) {
          await cancelAction(app, plan.id, { by });
          session.printResult(plan, (shown) =>
            plan.counts.planned === 0
              ? 'There are no matching certificates.'
              : showAction(shown, session.width),
          );
          return exitCodes.ok;
        }
        session.info(showAction(printable(plan), session.width));
        const size = Math.min(plan.counts.planned, limit ?? plan.counts.planned);
        const changed = revoke ? 'replaced or revoked' : 'replaced';
        const warning = revoke
          ? ' The hub rejects an old certificate as soon as balena shows the new one: a device is offline until its service has restarted.'
          : '';
        if (!(await session.confirm(`${plural(size, 'certificate')} will be ${changed}.${warning}`, yes))) {
          await cancelAction(app, plan.id, { by });
          throw new CliError('not-confirmed', exitCodes.rejected, 'Not confirmed: nothing was rotated.');
        }
        return startAndFollow(session, app, plan, {
          request: { ramp, by, ...(limit !== undefined && { limit }) },
          follow,
        });
      }),
    );
