import { listDeadLetters } from '../../../src/ops/deadLetters/list.js';
import type { DeadLetter } from '../../../src/ops/deadLetters/schema.js';
import { examples } from '../../options/common.js';
import { addFilterOptions, type FilterOptions, filterOf } from '../../options/filterOptions.js';
import { addPageOptions, nextPage, type PageOptions, pageOf } from '../../options/pageOptions.js';
import { type Column, table } from '../../output/table.js';
import { colorOf, listCounts, plural, wrap } from '../../output/text.js';
import { ago } from '../../output/time.js';
import type { AddCommand } from '../command.js';

const columns: Column<DeadLetter>[] = [
  { title: 'DEVICE', of: ({ uuid }) => uuid ?? '(unreadable)' },
  { title: 'STATUS', of: ({ status }) => status, style: ({ status }) => colorOf(status) },
  { title: 'FAILED', of: ({ failedAt }) => ago(failedAt), right: true },
  { title: 'ERROR', of: ({ code, step }) => `${code}${step ? ` (${step})` : ''}` },
  { title: 'SEQUENCE', of: ({ sequenceNumber }) => sequenceNumber ?? '', right: true, spare: true },
  { title: 'REPLAYS', of: ({ replays }) => `${replays}`, right: true, spare: true },
  { title: 'FLEET', of: ({ fleet }) => fleet ?? '', spare: true },
  { title: 'MESSAGE', of: ({ message }) => message ?? '', spare: true },
];

export const addDeadLetterList: AddCommand = (parent, action) =>
  addPageOptions(
    addFilterOptions(
      parent
        .command('list')
        .summary('list requests that failed for good, with the error')
        .description(
          'Lists requests that failed for good, with their dead letters. Use --status discarded to list discarded requests.',
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
        session.printResult(page, (shown) => {
          const note = shown.incomplete ?? '';
          if (page.total === 0) {
            const isFiltered = Object.keys(filterOf(options)).length > 0;
            return `${isFiltered ? 'There are no matching dead letters.' : 'There are no dead letters: no request needs an operator.'} ${note}`.trim();
          }
          return [
            table(shown.deadLetters, columns, session.width),
            '',
            wrap(
              `${plural(page.total, 'dead letter')}: ${listCounts(shown.byStatus)}. By code: ${listCounts(shown.byCode)}. By fleet: ${listCounts(shown.byFleet)}.`,
              session.width,
            ),
            nextPage(page.deadLetters.length, page.total, page.next),
            note,
          ]
            .filter((line, index) => line !== '' || index === 1)
            .join('\n');
        });
      }),
    );
