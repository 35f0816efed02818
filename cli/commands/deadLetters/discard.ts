import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { planAction } from '../../../src/ops/bulk/plan.js';
import { CliError, exitCodes } from '../../errors.js';
import { byOption, examples, yesOption } from '../../options/common.js';
import { addFilterOptions, expectFilter, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { showAction } from '../../output/showAction.js';
import { plural } from '../../output/text.js';
import type { AddCommand } from '../command.js';
import { startAndFollow } from '../startAndFollow.js';

type DiscardOptions = FilterOptions & {
  all?: boolean;
  reason: string;
  yes?: boolean;
  by: string;
  follow: boolean;
};

export const addDiscard: AddCommand = (parent, action) =>
  addFilterOptions(
    parent
      .command('discard')
      .summary('give up what failed, with a reason')
      .description(
        'Gives up what failed: the dead letters go within minutes, the records and the reason stay. A device that asks again is served all the same.',
      ),
  )
    .option('--all', 'all that failed, where no filter is meant')
    .requiredOption('--reason <text>', 'why; it is kept with the audit')
    .option('--no-follow', 'do not look on until it is done')
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
        const { reason, yes = false, by, follow: looksOn } = options;
        const filter = filterOf(options);
        expectFilter(filter, options.all);
        session.expectAnswer(yes);
        const app = await session.app();
        const plan = await planAction(app, { kind: 'discard', filter, reason, by });
        if (plan.counts.planned === 0) {
          if (filter.uuid !== undefined || filter.sequenceNumber !== undefined)
            throw new CliError(
              'no-such-letter',
              exitCodes.notFound,
              'It has not failed: there is nothing to discard.',
            );
          session.answer(plan, () => 'There is nothing to discard.');
          return exitCodes.ok;
        }
        session.tell(showAction(plan, session.width));
        const what = `${plural(plan.counts.planned, 'dead letter')} will be given up. This cannot be undone; a device that asks again is served.`;
        if (!(await session.confirm(what, yes))) {
          await cancelAction(app, plan.id, { by });
          throw new CliError('not-confirmed', exitCodes.refused, 'Nothing was discarded.');
        }
        return startAndFollow(session, app, plan, { request: { by }, looksOn });
      }),
    );
