import { hasFinished } from '../../../src/ops/bulk/action.js';
import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { readAction } from '../../../src/ops/bulk/read.js';
import type { Action } from '../../../src/ops/bulk/schema.js';
import { CliError, exitCodes } from '../../exitCodes.js';
import { byOption, examples, yesOption } from '../../options/common.js';
import { actionNouns, requestCount, showAction } from '../../output/showAction.js';
import { plural } from '../../output/text.js';
import type { AddCommand } from '../command.js';

export const addCancel: AddCommand = (parent, action) =>
  parent
    .command('cancel')
    .summary('cancel a replay, a discard or a rotation')
    .description(
      'Cancels an action: no more requests are made. The unfinished requests of a replay become dead letters again, and can be replayed later. A device whose rotation has not begun keeps its certificate. Discarded dead letters stay discarded.',
    )
    .argument('<id>', 'the id of the action, see actions list')
    .addOption(yesOption())
    .addOption(byOption())
    .addHelpText('after', examples('provisioner actions cancel 01a21101-584d-7548-80c4-1fdc1328f529'))
    .action(
      action(async (session, { yes = false, by }: { yes?: boolean; by: string }, id: string) => {
        session.requireConfirmable(yes);
        const app = await session.app();
        const found = await readAction(app, id);
        if (!hasFinished(found)) {
          const left = requestCount(found) - found.counts.requested;
          const what = `The ${actionNouns[found.kind]} stops. ${plural(left, 'request')} will not be made.${unfinished(found)}`;
          if (!(await session.confirm(what, yes)))
            throw new CliError('not-confirmed', exitCodes.rejected, 'Not confirmed: the action continues.');
        }
        const action = await cancelAction(app, id, { by });
        session.printResult(action, (shown) => showAction(shown, session.width));
      }),
    );

/** What happens to the unfinished requests of an action; empty if there are none. */
function unfinished({ kind, counts: { underWay } }: Action): string {
  if (underWay === 0 || kind === 'discard') return '';
  const requests = `${plural(underWay, 'request')} under way`;
  return kind === 'replay'
    ? ` ${requests} will become dead letters again.`
    : ` ${requests}: the devices keep their certificates, unless a worker has begun the rotation.`;
}
