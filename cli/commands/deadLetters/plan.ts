import type { OpsApp } from '../../../src/openOpsApp.js';
import { planAction } from '../../../src/ops/bulk/plan.js';
import { byOption, examples, parsePositive, parseService } from '../../options/common.js';
import { addFilterOptions, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { showAction } from '../../output/showAction.js';
import type { AddCommand } from '../command.js';
import { nothingTo } from './nothing.js';

export const addPlan: AddCommand = (parent, action) =>
  addFilterOptions(
    parent
      .command('plan')
      .summary('plan a replay, and keep the plan for a day')
      .description(
        'Shows the same as replay --dry-run: the number of dead letters by code and fleet, and the duration. The plan is kept, and can be started within a day. Later failures are not added to the plan.',
      ),
  )
    .option('--rate <number>', "requests in a minute (default: the hub's limit)", parsePositive)
    .option(
      '--service <name>',
      'plan requests for this service instead of the failed one, and count the devices without the service; "" for the device level',
      parseService,
    )
    .addOption(byOption())
    .addHelpText(
      'after',
      examples(
        'provisioner dead-letters plan --code service-not-found',
        'provisioner dead-letters plan --since 2h --rate 30 --json | jq -r .id',
      ),
    )
    .action(
      action(async (session, options: FilterOptions & { rate?: number; service?: string; by: string }) => {
        const { rate, service, by } = options;
        const app: OpsApp = service === undefined ? await session.app() : await session.fleetApp();
        const plan = await planAction(app, {
          kind: 'replay',
          filter: filterOf(options),
          by,
          ...(rate !== undefined && { rate }),
          ...(service !== undefined && { service }),
        });
        const next =
          plan.counts.planned > 0
            ? `To start the replay: provisioner dead-letters replay ${plan.id}`
            : nothingTo('replay', plan, options);
        session.printResult(plan, (shown) => `${showAction(shown, session.width)}\n${next}`);
      }),
    );
