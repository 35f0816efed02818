import { cancelAction } from '../../src/ops/bulk/cancel.js';
import { planAction } from '../../src/ops/bulk/plan.js';
import { CliError, exitCodes } from '../errors.js';
import { byOption, examples, parseCount, parsePositive, parseUuid, yesOption } from '../options/common.js';
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
    .summary('replace certificates, without an outage')
    .description(
      'Replaces the certificate of a device, of a fleet, or of all that were made before a date (a leak). The hub accepts the new one before the device gets it, and the old one until the next rotation, unless it is revoked. Workers carry it on.',
    )
    .argument('[uuid]', 'of one device', parseUuid)
    .option('--fleet <slug>', 'of this fleet')
    .option('--service <name>', 'at this service; "" for the device level')
    .option('--minted-before <when>', 'made before then: 2h, 7d, or 2026-11-24T03:00:00Z')
    .option('--all', 'all there are, where no filter is meant')
    .option(
      '--revoke-old',
      'the hub refuses the old certificates at once: devices are cut off until they restart',
    )
    .option('--dry-run', 'show the plan, and do nothing')
    .option('--rate <number>', "asked for in a minute (default: the hub's limit)", parsePositive)
    .option('--ramp', 'first 10, then twice as many each time; halts where more than a tenth fails')
    .option('--limit <count>', 'only so many, the oldest first', parseCount)
    .option('--no-follow', 'do not look on until it is done')
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
        const { revokeOld: revoke = false, dryRun = false, follow: looksOn } = options;
        const given = Object.entries({ uuid, fleet, service, mintedBefore });
        const filter = Object.fromEntries(given.filter(([, value]) => value !== undefined));
        if (Object.keys(filter).length === 0 && !options.all)
          throw new CliError(
            'no-filter',
            exitCodes.wrongUsage,
            'Name a device, --fleet, --service or --minted-before, or all there are with --all.',
          );
        if (!dryRun) session.expectAnswer(yes);
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
            'It holds no certificate that we know of.',
          );
        if (dryRun || plan.counts.planned === 0) {
          await cancelAction(app, plan.id, { by });
          session.answer(plan, () =>
            plan.counts.planned === 0 ? 'There is no such certificate.' : showAction(plan, session.width),
          );
          return exitCodes.ok;
        }
        session.tell(showAction(plan, session.width));
        const size = Math.min(plan.counts.planned, limit ?? plan.counts.planned);
        const cut = revoke
          ? ' The old ones are refused at once: devices are cut off until they have the new ones.'
          : '';
        if (!(await session.confirm(`${plural(size, 'certificate')} will be replaced.${cut}`, yes))) {
          await cancelAction(app, plan.id, { by });
          throw new CliError('not-confirmed', exitCodes.refused, 'Nothing was rotated.');
        }
        return startAndFollow(session, app, plan, {
          request: { ramp, by, ...(limit !== undefined && { limit }) },
          looksOn,
        });
      }),
    );
