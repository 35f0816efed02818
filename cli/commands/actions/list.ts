import { Option } from 'commander';
import { outcomeOf } from '../../../src/ops/bulk/outcome.js';
import { listActions } from '../../../src/ops/bulk/read.js';
import { type Action, actionKinds } from '../../../src/ops/bulk/schema.js';
import { examples } from '../../options/common.js';
import { addPageOptions, nextPage, type PageOptions, pageOf } from '../../options/pageOptions.js';
import { filterText, requestCount } from '../../output/showAction.js';
import { type Column, table } from '../../output/table.js';
import { colorOf } from '../../output/text.js';
import { ago } from '../../output/time.js';
import type { AddCommand } from '../command.js';

const columns: Column<Action>[] = [
  { title: 'ACTION', of: ({ id }) => id },
  { title: 'KIND', of: (each) => `${each.kind} ${requestCount(each)}` },
  {
    title: 'STATE',
    of: ({ state, answer }) => (answer === null ? state : ''),
    style: ({ state }) => colorOf(state),
  },
  { title: 'OUTCOME', of: outcomeOf },
  { title: 'STARTED', of: ({ startedAt }) => (startedAt ? ago(startedAt) : ''), right: true, spare: true },
  { title: 'OPERATOR', of: ({ startedBy, by }) => startedBy ?? by, spare: true },
  { title: 'FILTER', of: ({ filter }) => filterText(filter), spare: true },
];

export const addActionList: AddCommand = (parent, action) =>
  addPageOptions(
    parent
      .command('list')
      .summary('list actions and requests of operators, with the outcome')
      .description(
        'Lists what operators have started: replays, discards and rotations, and the single requests from the page, the API and this CLI (provision, deprovision, fleet). Each line has operator, time, filter and outcome.',
      )
      .addOption(new Option('--kind <kind>', 'only actions of this kind').choices([...actionKinds])),
  )
    .addHelpText(
      'after',
      examples(
        'provisioner actions list',
        'provisioner actions list --kind discard --json | jq ".actions[].reason"',
      ),
    )
    .action(
      action(async (session, options: PageOptions & { kind?: Action['kind'] }) => {
        const { kind } = options;
        const page = await listActions(await session.app(), {
          ...pageOf(options),
          ...(kind !== undefined && { kind }),
        });
        session.printResult(page, (shown) =>
          page.total === 0
            ? 'There are no actions. Replays, discards, rotations and the requests of operators appear here.'
            : [
                table(shown.actions, columns, session.width),
                nextPage(page.actions.length, page.total, page.next),
              ]
                .join('\n')
                .trimEnd(),
        );
      }),
    );
