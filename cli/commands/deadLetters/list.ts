import { listDeadLetters } from '../../../src/ops/deadLetters/list.js';
import type { DeadLetter } from '../../../src/ops/deadLetters/schema.js';
import { examples } from '../../options/common.js';
import { addFilterOptions, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { addPageOptions, nextPage, type PageOptions, pageOf } from '../../options/pageOptions.js';
import { type Column, table } from '../../output/table.js';
import { colorOf, counted, plural, wrap } from '../../output/text.js';
import { ago } from '../../output/time.js';
import type { AddCommand } from '../command.js';

const columns: Column<DeadLetter>[] = [
  { title: 'DEVICE', of: ({ uuid }) => uuid ?? '(not readable)' },
  { title: 'STATUS', of: ({ status }) => status, style: ({ status }) => colorOf(status) },
  { title: 'FAILED', of: ({ failedAt }) => ago(failedAt), right: true },
  { title: 'WHY', of: ({ code, step }) => `${code}${step ? ` (${step})` : ''}` },
  { title: 'LETTER', of: ({ sequenceNumber }) => sequenceNumber ?? '', right: true, spare: true },
  { title: 'REPLAYS', of: ({ replays }) => `${replays}`, right: true, spare: true },
  { title: 'FLEET', of: ({ fleet }) => fleet ?? '', spare: true },
  { title: 'MESSAGE', of: ({ message }) => message ?? '', spare: true },
];

export const addDeadLetterList: AddCommand = (parent, action) =>
  addPageOptions(
    addFilterOptions(
      parent
        .command('list')
        .summary('what failed for good, and why')
        .description(
          'Lists what failed for good: failed requests and their dead letters. Discarded ones are shown with --status discarded.',
        ),
    ),
  )
    .addHelpText(
      'after',
      examples(
        'provisioner dead-letters list --code service-not-found --since 2h',
        'provisioner dead-letters list --fleet my_org/my_fleet --order oldest',
        'provisioner dead-letters list --json | jq .byCode',
      ),
    )
    .action(
      action(async (session, options: FilterOptions & PageOptions) => {
        const page = await listDeadLetters(await session.app(), { ...filterOf(options), ...pageOf(options) });
        session.answer(page, () => {
          const note = page.incomplete ?? '';
          if (page.total === 0) return `There are no such dead letters. ${note}`.trim();
          return [
            table(page.deadLetters, columns, session.width),
            '',
            wrap(
              `${plural(page.total, 'dead letter')}: ${counted(page.byCode)}. By fleet: ${counted(page.byFleet)}.`,
              session.width,
            ),
            nextPage(page.deadLetters.length, page.total, page.next),
            note,
          ]
            .filter((line, at) => line !== '' || at === 1)
            .join('\n');
        });
      }),
    );
