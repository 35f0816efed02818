import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { planAction } from '../../../src/ops/bulk/plan.js';
import { printable } from '../../../src/shared/printable.js';
import { CliError, exitCodes } from '../../exitCodes.js';
import { byOption, examples, yesOption } from '../../options/common.js';
import { addFilterOptions, expectFilter, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { showAction } from '../../output/showAction.js';
import { plural } from '../../output/text.js';
import type { AddCommand } from '../command.js';
import { startAndFollow } from '../startAndFollow.js';
import { nothingTo } from './nothing.js';

type DiscardOptions = FilterOptions & {
  all?: boolean;
  reason: string;
  dryRun?: boolean;
  yes?: boolean;
  by: string;
  follow: boolean;
};

export const addDiscard: AddCommand = (parent, action) =>
  addFilterOptions(
    parent
      .command('discard')
      .summary('discard failed requests, with a reason')
      .description(
        'Discards failed requests. The dead letters are removed within minutes; the records and the reason are kept. A new request of a device is still accepted.',
      ),
  )
    .option('--all', 'all failed requests, without a filter')
    .requiredOption('--reason <text>', 'the reason, for the audit log')
    .option('--dry-run', 'only show the plan')
    .option('--no-follow', 'do not wait until the action is finished')
    .addOption(yesOption())
    .addOption(byOption())
    .addHelpText(
      'after',
      examples(
        'provisioner dead-letters discard --code device-not-found --reason tests',
        'provisioner dead-letters discard --sequence-number 47 --reason "not ours"',
      ),
    )
    .action(
      action(async (session, options: DiscardOptions) => {
        const { reason, dryRun = false, yes = false, by, follow } = options;
        const filter = filterOf(options);
        expectFilter(filter, options.all);
        if (!dryRun) session.requireConfirmable(yes);
        const app = await session.app();
        const plan = await planAction(app, { kind: 'discard', filter, reason, by });
        if (plan.counts.planned === 0) {
          const nothing = nothingTo('discard', plan, options);
          session.printResult(plan, () => nothing);
          return exitCodes.ok;
        }
        if (dryRun) {
          await cancelAction(app, plan.id, { by });
          session.printResult(plan, (shown) => showAction(shown, session.width));
          return exitCodes.ok;
        }
        session.info(showAction(printable(plan), session.width));
        const what = `${plural(plan.counts.planned, 'dead letter')} will be discarded. This cannot be undone. New requests of the devices are still accepted.`;
        if (!(await session.confirm(what, yes))) {
          await cancelAction(app, plan.id, { by });
          throw new CliError('not-confirmed', exitCodes.rejected, 'Not confirmed: nothing was discarded.');
        }
        return startAndFollow(session, app, plan, { request: { by }, follow });
      }),
    );
