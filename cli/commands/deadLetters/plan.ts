import { planAction } from '../../../src/ops/bulk/plan.js';
import { byOption, examples, parsePositive } from '../../options/common.js';
import { addFilterOptions, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { showAction } from '../../output/showAction.js';
import type { AddCommand } from '../command.js';

export const addPlan: AddCommand = (parent, action) =>
  addFilterOptions(
    parent
      .command('plan')
      .summary('what a replay would do, and how long it would take')
      .description(
        'Plans a replay: how many, of which codes and fleets, and how long it takes. Nothing is done yet. The plan fixes the set: what fails later is not in it. It can be started for a day.',
      ),
  )
    .option('--rate <number>', "asked for in a minute (default: the hub's limit)", parsePositive)
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
        session.answer(plan, () => {
          const next =
            plan.counts.planned > 0 ? `\nTo start it: provisioner dead-letters replay ${plan.id}` : '';
          return showAction(plan, session.width) + next;
        });
      }),
    );
