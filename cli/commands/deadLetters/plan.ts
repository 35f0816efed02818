import { planAction } from '../../../src/ops/bulk/plan.js';
import { byOption, examples, parsePositive } from '../../options/common.js';
import { addFilterOptions, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { showAction } from '../../output/showAction.js';
import type { AddCommand } from '../command.js';

export const addPlan: AddCommand = (parent, action) =>
  addFilterOptions(
    parent
      .command('plan')
      .summary('show the size and the duration of a replay')
      .description(
        'Plans a replay, and shows the number of dead letters by code and fleet, and the duration. Nothing is replayed yet. Later failures are not added to the plan. A plan can be started within a day.',
      ),
  )
    .option('--rate <number>', "requests in a minute (default: the hub's limit)", parsePositive)
    .addOption(byOption())
    .addHelpText(
      'after',
      examples(
        'provisioner dead-letters plan --code service-not-found',
        'provisioner dead-letters plan --since 2h --rate 30 --json | jq -r .id',
      ),
    )
    .action(
      action(async (session, options: FilterOptions & { rate?: number; by: string }) => {
        const { rate, by } = options;
        const plan = await planAction(await session.app(), {
          kind: 'replay',
          filter: filterOf(options),
          by,
          ...(rate !== undefined && { rate }),
        });
        session.printResult(plan, (shown) => {
          const next =
            plan.counts.planned > 0
              ? `\nTo start the replay: provisioner dead-letters replay ${plan.id}`
              : '';
          return showAction(shown, session.width) + next;
        });
      }),
    );
