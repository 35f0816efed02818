import { readAction } from '../../../src/ops/bulk/read.js';
import { examples } from '../../options/common.js';
import { showAction } from '../../output/showAction.js';
import type { AddCommand } from '../command.js';

export const addActionShow: AddCommand = (parent, action) =>
  parent
    .command('show')
    .summary('show the progress or the outcome of an action')
    .description(
      'Shows a replay, a discard, a rotation or a single request: operator, time, filter, progress and outcome.',
    )
    .argument('<id>', 'the id of the action, see actions list')
    .addHelpText(
      'after',
      examples(
        'provisioner actions show 01a21101-584d-7548-80c4-1fdc1328f529',
        'provisioner actions show $ID --json | jq .counts',
      ),
    )
    .action(
      action(async (session, _options: object, id: string) => {
        const one = await readAction(await session.app(), id);
        session.printResult(one, (shown) => showAction(shown, session.width));
      }),
    );
