import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { readAction } from '../../../src/ops/bulk/read.js';
import { CliError, exitCodes } from '../../errors.js';
import { byOption, examples, yesOption } from '../../options/common.js';
import { requestCount, showAction } from '../../output/showAction.js';
import { plural } from '../../output/text.js';
import type { AddCommand } from '../command.js';
import { isFinished } from '../startAndFollow.js';

export const addCancel: AddCommand = (parent, action) =>
  parent
    .command('cancel')
    .summary('cancel a replay, a discard or a rotation')
    .description(
      'Cancels an action. No more requests are made, and unfinished requests become dead letters again. No request is lost: all can be replayed later.',
    )
    .argument('<id>', 'the id of the action, see audit')
    .addOption(yesOption())
    .addOption(byOption())
    .addHelpText('after', examples('provisioner dead-letters cancel 01a21101-584d-7548-80c4-1fdc1328f529'))
    .action(
      action(async (session, { yes = false, by }: { yes?: boolean; by: string }, id: string) => {
        session.requireConfirmable(yes);
        const app = await session.app();
        const found = await readAction(app, id);
        if (!isFinished(found)) {
          const left = requestCount(found) - found.counts.requested;
          const what = `The ${found.kind} stops. ${plural(left, 'request')} will not be made, and ${plural(found.counts.underWay, 'request')} under way will become dead letters again.`;
          if (!(await session.confirm(what, yes)))
            throw new CliError('not-confirmed', exitCodes.rejected, 'Not confirmed: the action continues.');
        }
        const action = await cancelAction(app, id, { by });
        session.printResult(action, () => showAction(action, session.width));
      }),
    );
