import type { OpsApp } from '../../../src/openOpsApp.js';
import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { planAction } from '../../../src/ops/bulk/plan.js';
import { readAction } from '../../../src/ops/bulk/read.js';
import type { Action } from '../../../src/ops/bulk/schema.js';
import { CliError, exitCodes } from '../../errors.js';
import { byOption, examples, parseCount, parsePositive, yesOption } from '../../options/common.js';
import { addFilterOptions, expectFilter, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { showAction, sizeOf } from '../../output/showAction.js';
import { plural } from '../../output/text.js';
import { span } from '../../output/time.js';
import type { AddCommand } from '../command.js';
import { startAndFollow } from '../startAndFollow.js';

type ReplayOptions = FilterOptions & {
  all?: boolean;
  rate?: number;
  ramp?: boolean;
  limit?: number;
  yes?: boolean;
  by: string;
  follow: boolean;
};

export const addReplay: AddCommand = (parent, action) =>
  addFilterOptions(
    parent
      .command('replay')
      .summary('ask again for what failed')
      .description(
        'Asks again for a planned set, or for what a filter finds: then it plans, shows the plan and asks. Each is scheduled for its turn, and workers carry it on: nothing has to stay running here.',
      )
      .argument('[plan]', 'the id of a plan'),
  )
    .option('--all', 'all that failed, where no filter is meant')
    .option(
      '--rate <number>',
      "asked for in a minute (default: the plan's, or the hub's limit)",
      parsePositive,
    )
    .option('--ramp', 'first 10, then twice as many each time; halts where more than a tenth fails again')
    .option('--limit <count>', 'only so many, those that failed first', parseCount)
    .option('--no-follow', 'do not look on until it is done')
    .addOption(yesOption())
    .addOption(byOption())
    .addHelpText(
      'after',
      examples(
        'provisioner dead-letters replay --code service-not-found --ramp',
        'provisioner dead-letters replay --uuid $UUID --yes',
        'provisioner dead-letters replay 01a21101-584d-7548-80c4-1fdc1328f529 # a plan',
        'provisioner dead-letters replay --all --limit 100 --yes --no-follow --json',
      ),
    )
    .action(
      action(async (session, options: ReplayOptions, id?: string) => {
        const { rate, ramp = false, limit, yes = false, by, follow: looksOn } = options;
        session.expectAnswer(yes);
        const app = await session.app();
        const plan = id === undefined ? await planNow(app, options) : await planned(app, id, options);
        const { planned: found, quarantined } = plan.counts;
        if (found === 0) {
          const none =
            quarantined > 0 ? ` ${quarantined} are in quarantine: replay them by name (--uuid).` : '';
          const isNamed = options.uuid !== undefined || options.sequenceNumber !== undefined;
          if (isNamed)
            throw new CliError(
              'no-such-letter',
              exitCodes.notFound,
              'It has not failed: there is nothing to replay.',
            );
          session.answer(plan, () => `There is nothing to replay.${none}`);
          return exitCodes.ok;
        }
        session.tell(showAction(plan, session.width));
        const size = sizeOf({ ...plan, limit: limit ?? null });
        const perMinute = rate ?? plan.ratePerMinute;
        const time = perMinute ? (size / perMinute) * 60_000 : (plan.expectedSeconds * 1_000 * size) / found;
        const what = `${plural(size, 'request')} will be made again${ramp ? ', in growing waves' : `, within about ${span(time)}`}.`;
        if (!(await session.confirm(what, yes))) {
          if (id === undefined) await cancelAction(app, plan.id, { by });
          throw new CliError('not-confirmed', exitCodes.refused, 'Nothing was replayed.');
        }
        const request = {
          ramp,
          by,
          ...(rate !== undefined && { rate }),
          ...(limit !== undefined && { limit }),
        };
        return startAndFollow(session, app, plan, { request, looksOn });
      }),
    );

function planNow(app: OpsApp, options: ReplayOptions): Promise<Action> {
  const filter = filterOf(options);
  expectFilter(filter, options.all);
  return planAction(app, { kind: 'replay', filter, by: options.by });
}

/** @throws CliError, Refused */
async function planned(app: OpsApp, id: string, options: ReplayOptions): Promise<Action> {
  if (options.all || Object.keys(filterOf(options)).length > 0)
    throw new CliError(
      'usage',
      exitCodes.wrongUsage,
      'Name a plan or a filter, not both: a plan has its set.',
    );
  const plan = await readAction(app, id);
  if (plan.kind === 'replay' && plan.state === 'planned') return plan;
  throw new CliError(
    'ops.not-planned',
    exitCodes.refused,
    plan.kind !== 'replay'
      ? 'That is no plan of a replay.'
      : `The replay was started already: it is ${plan.state}.`,
  );
}
