import { Option } from 'commander';
import { listActions, readAction } from '../../../src/ops/bulk/read.js';
import { type Action, actionKinds } from '../../../src/ops/bulk/schema.js';
import { examples } from '../../options/common.js';
import { addPageOptions, nextPage, type PageOptions, pageOf } from '../../options/pageOptions.js';
import { filterText, outcomeOf, requestCount, showAction } from '../../output/showAction.js';
import { type Column, table } from '../../output/table.js';
import { colorOf } from '../../output/text.js';
import { ago } from '../../output/time.js';
import type { AddCommand } from '../command.js';

const columns: Column<Action>[] = [
  { title: 'ACTION', of: ({ id }) => id },
  { title: 'KIND', of: (each) => `${each.kind} ${requestCount(each)}` },
  { title: 'STATE', of: ({ state }) => state, style: ({ state }) => colorOf(state) },
  { title: 'OUTCOME', of: outcomeOf },
  { title: 'STARTED', of: ({ startedAt }) => (startedAt ? ago(startedAt) : ''), right: true, spare: true },
  { title: 'OPERATOR', of: ({ startedBy, by }) => startedBy ?? by, spare: true },
  { title: 'FILTER', of: ({ filter }) => filterText(filter), spare: true },
];

export const addAudit: AddCommand = (parent, action) =>
  addPageOptions(
    parent
      .command('audit')
      .summary('list replays, discards and rotations with operator and outcome')
      .description(
        'Lists all started replays, discards and rotations, or shows one of them: operator, time, filter and outcome.',
      )
      .argument('[id]', 'the id of one action')
      .addOption(new Option('--kind <kind>', 'only actions of this kind').choices([...actionKinds])),
  )
    .addHelpText(
      'after',
      examples(
        'provisioner dead-letters audit',
        'provisioner dead-letters audit 01a21101-584d-7548-80c4-1fdc1328f529',
        'provisioner dead-letters audit --kind discard --json | jq ".actions[].reason"',
      ),
    )
    .action(
      action(async (session, options: PageOptions & { kind?: Action['kind'] }, id?: string) => {
        const app = await session.app();
        if (id !== undefined) {
          const one = await readAction(app, id);
          session.printResult(one, (shown) => showAction(shown, session.width));
          return;
        }
        const { kind } = options;
        const page = await listActions(app, { ...pageOf(options), ...(kind !== undefined && { kind }) });
        session.printResult(page, (shown) =>
          page.total === 0
            ? 'There are no actions.'
            : [
                table(shown.actions, columns, session.width),
                nextPage(page.actions.length, page.total, page.next),
              ]
                .join('\n')
                .trimEnd(),
        );
      }),
    );
