import { Option } from 'commander';
import { listActions, readAction } from '../../../src/ops/bulk/read.js';
import { type Action, actionKinds } from '../../../src/ops/bulk/schema.js';
import { examples } from '../../options/common.js';
import { addPageOptions, nextPage, type PageOptions, pageOf } from '../../options/pageOptions.js';
import { filterText, outcomeOf, showAction, sizeOf } from '../../output/showAction.js';
import { type Column, table } from '../../output/table.js';
import { colorOf } from '../../output/text.js';
import { ago } from '../../output/time.js';
import type { AddCommand } from '../command.js';

const columns: Column<Action>[] = [
  { title: 'ACTION', of: ({ id }) => id },
  { title: 'WHAT', of: (each) => `${each.kind} ${sizeOf(each)}` },
  { title: 'STATE', of: ({ state }) => state, style: ({ state }) => colorOf(state) },
  { title: 'OUTCOME', of: outcomeOf },
  { title: 'STARTED', of: ({ startedAt }) => (startedAt ? ago(startedAt) : ''), right: true, spare: true },
  { title: 'WHO', of: ({ startedBy, by }) => startedBy ?? by, spare: true },
  { title: 'FILTER', of: ({ filter }) => filterText(filter), spare: true },
];

export const addAudit: AddCommand = (parent, action) =>
  addPageOptions(
    parent
      .command('audit')
      .summary('who replayed, discarded or rotated what, with which outcome')
      .description(
        'Lists the replays, discards and rotations that were started, or shows one: who, when, which, and what came of it.',
      )
      .argument('[id]', 'one action, as it stands now')
      .addOption(new Option('--kind <kind>', 'only these').choices([...actionKinds])),
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
          session.answer(one, () => showAction(one, session.width));
          return;
        }
        const { kind } = options;
        const page = await listActions(app, { ...pageOf(options), ...(kind !== undefined && { kind }) });
        session.answer(page, () =>
          page.total === 0
            ? 'Nothing was replayed or discarded yet.'
            : [
                table(page.actions, columns, session.width),
                nextPage(page.actions.length, page.total, page.next),
              ]
                .join('\n')
                .trimEnd(),
        );
      }),
    );
