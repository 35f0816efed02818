import { type Command, Option } from 'commander';
import { parseCount } from './common.js';

export interface PageOptions {
  limit: number;
  order: 'newest' | 'oldest';
  cursor?: string;
}

/** What every list takes. */
export function addPageOptions(command: Command, limit = 20): Command {
  return command
    .option('--limit <count>', 'lines on a page, at most 1000', parseCount, limit)
    .addOption(
      new Option('--order <order>', 'which come first').choices(['newest', 'oldest']).default('newest'),
    )
    .option('--cursor <cursor>', 'goes on where the page before ended: its "next"');
}

/** The page's part of a query. */
export function pageOf({ limit, order, cursor }: PageOptions) {
  return { limit, order, ...(cursor !== undefined && { cursor }) };
}

/** How to get the next page; nothing where there is none. */
export function nextPage(shown: number, total: number, next: string | null): string {
  if (next === null) return '';
  return `${shown} of ${total} are shown. The next ones: the same with --cursor ${next}`;
}
