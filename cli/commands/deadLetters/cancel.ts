import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { readAction } from '../../../src/ops/bulk/read.js';
import { CliError, exitCodes } from '../../errors.js';
import { byOption, examples, yesOption } from '../../options/common.js';
import { showAction, sizeOf } from '../../output/showAction.js';
import type { AddCommand } from '../command.js';
import { hasEnded } from '../startAndFollow.js';

export const addCancel: AddCommand = (parent, action) =>
  parent
    .command('cancel')
    .summary('stop a replay, a discard or a rotation')
    .description(
      'Cancels an action: nothing more is asked for, and what was asked for and is not done yet is given up again, each with its dead letter. None is lost: all can be replayed.',
    )
    .argument('<id>', 'of the action, see audit')
    .addOption(yesOption())
    .addOption(byOption())
    .addHelpText('after', examples('provisioner dead-letters cancel 01a21101-584d-7548-80c4-1fdc1328f529'))
    .action(
      action(async (session, { yes = false, by }: { yes?: boolean; by: string }, id: string) => {
        session.expectAnswer(yes);
        const app = await session.app();
        const found = await readAction(app, id);
        if (!hasEnded(found)) {
          const left = sizeOf(found) - found.counts.requested;
          const what = `The ${found.kind} stops: ${left} are not asked for any more, and ${found.counts.underWay} under way are given up again.`;
          if (!(await session.confirm(what, yes)))
            throw new CliError('not-confirmed', exitCodes.refused, 'Nothing was cancelled: it goes on.');
        }
        const action = await cancelAction(app, id, { by });
        session.answer(action, () => showAction(action, session.width));
      }),
    );
