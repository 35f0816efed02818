import type { OpsApp } from '../../../src/openOpsApp.js';
import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { planAction } from '../../../src/ops/bulk/plan.js';
import { readAction } from '../../../src/ops/bulk/read.js';
import type { Action } from '../../../src/ops/bulk/schema.js';
import { printable } from '../../../src/shared/printable.js';
import { CliError, exitCodes } from '../../exitCodes.js';
import {
  byOption,
  examples,
  parseCount,
  parsePositive,
  parseService,
  yesOption,
} from '../../options/common.js';
import { addFilterOptions, expectFilter, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { placeName, requestCount, showAction } from '../../output/showAction.js';
import { plural } from '../../output/text.js';
import { span } from '../../output/time.js';
import type { AddCommand } from '../command.js';
import { startAndFollow } from '../startAndFollow.js';
import { nothingTo } from './nothing.js';

type ReplayOptions = FilterOptions & {
  all?: boolean;
  service?: string;
  rate?: number;
  ramp?: boolean;
  limit?: number;
  dryRun?: boolean;
  yes?: boolean;
  by: string;
  follow: boolean;
};

export const addReplay: AddCommand = (parent, action) =>
  addFilterOptions(
    parent
      .command('replay')
      .summary('repeat failed requests')
      .description(
        'Repeats the requests of a plan or of a filter. With a filter the command makes a plan, shows the plan and asks for confirmation. The requests are scheduled at the rate limit and processed by the workers, even after this command has ended.',
      )
      .argument('[plan]', 'the id of a plan'),
  )
    .option('--all', 'all failed requests, without a filter')
    .option(
      '--service <name>',
      'request this service instead of the failed one, after a check that the fleets have the service; "" for the device level',
      parseService,
    )
    .option(
      '--rate <number>',
      "requests in a minute (default: the plan's rate, or the hub's limit)",
      parsePositive,
    )
    .option('--ramp', 'start with 10, then double; halt if more than a tenth fails again')
    .option('--limit <count>', 'replay at most this many, the oldest failures first', parseCount)
    .option('--dry-run', 'only show the plan; dead-letters plan also keeps the plan')
    .option('--no-follow', 'do not wait until the action is finished')
    .addOption(yesOption())
    .addOption(byOption())
    .addHelpText(
      'after',
      examples(
        'provisioner dead-letters replay --code service-not-found --ramp',
        'provisioner dead-letters replay --code service-not-found --service main',
        'provisioner dead-letters replay --uuid $UUID --yes',
        'provisioner dead-letters replay 01a21101-584d-7548-80c4-1fdc1328f529 # a plan',
        'provisioner dead-letters replay --all --limit 100 --yes --no-follow --json',
      ),
    )
    .action(
      action(async (session, options: ReplayOptions, id?: string) => {
        const { rate, ramp = false, limit, dryRun = false, yes = false, by, follow } = options;
        if (id === undefined) expectFilter(filterOf(options), options.all);
        if (!dryRun) session.requireConfirmable(yes);
        const app: OpsApp = options.service === undefined ? await session.app() : await session.fleetApp();
        const plan = id === undefined ? await planNow(app, options) : await planned(app, id, options);
        const { planned: found } = plan.counts;
        if (found === 0) {
          const nothing = nothingTo('replay', plan, options);
          session.printResult(plan, () => nothing);
          return exitCodes.ok;
        }
        if (dryRun) {
          // A plan that the operator has named stays.
          if (id === undefined) await cancelAction(app, plan.id, { by });
          session.printResult(plan, (shown) => showAction(shown, session.width));
          return exitCodes.ok;
        }
        session.info(showAction(printable(plan), session.width));
        const size = requestCount({ ...plan, limit: limit ?? null });
        const perMinute = rate ?? plan.ratePerMinute;
        const time = perMinute ? (size / perMinute) * 60_000 : (plan.expectedSeconds * 1_000 * size) / found;
        const what = `${plural(size, 'request')} will be ${plan.service === null ? 'repeated' : `made for ${placeName(plan.service)}`}${ramp ? ', in growing waves' : `, within about ${span(time)}`}.`;
        if (!(await session.confirm(what, yes))) {
          if (id === undefined) await cancelAction(app, plan.id, { by });
          throw new CliError('not-confirmed', exitCodes.rejected, 'Not confirmed: nothing was replayed.');
        }
        const request = {
          ramp,
          by,
          ...(rate !== undefined && { rate }),
          ...(limit !== undefined && { limit }),
        };
        return startAndFollow(session, app, plan, { request, follow });
      }),
    );

function planNow(app: OpsApp, options: ReplayOptions): Promise<Action> {
  const filter = filterOf(options);
  const { service, by } = options;
  return planAction(app, { kind: 'replay', filter, by, ...(service !== undefined && { service }) });
}

/** Reads a plan that can be started. @throws CliError, RequestError */
async function planned(app: OpsApp, id: string, options: ReplayOptions): Promise<Action> {
  if (options.service !== undefined)
    throw new CliError(
      'usage',
      exitCodes.wrongUsage,
      'A plan has a fixed service. Use --service with a filter, or with dead-letters plan.',
    );
  if (options.all || Object.keys(filterOf(options)).length > 0)
    throw new CliError(
      'usage',
      exitCodes.wrongUsage,
      'Use a plan or a filter, not both. A plan has a fixed set of requests.',
    );
  const plan = await readAction(app, id);
  if (plan.kind === 'replay' && plan.state === 'planned') return plan;
  throw new CliError(
    'ops.not-planned',
    exitCodes.rejected,
    plan.kind !== 'replay'
      ? 'This id does not belong to a planned replay.'
      : `The replay was started before. Its state is ${plan.state}.`,
  );
}
