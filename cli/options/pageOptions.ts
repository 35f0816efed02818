import { type Command, Option } from 'commander';
import { parseCount } from './common.js';

/** The paging options of a list command. */
export interface PageOptions {
  limit: number;
  order: 'newest' | 'oldest';
  cursor?: string;
}

/** Adds the paging options of a list command. @param limit the default number of lines on a page */
export function addPageOptions(command: Command, limit = 20): Command {
  return command
    .option('--limit <count>', 'lines on a page, at most 1000', parseCount, limit)
    .addOption(new Option('--order <order>', 'sort order').choices(['newest', 'oldest']).default('newest'))
    .option('--cursor <cursor>', 'start of the next page: the value of "next" in the previous page');
}

/** Converts the options to the paging part of a query. */
export function pageOf({ limit, order, cursor }: PageOptions) {
  return { limit, order, ...(cursor !== undefined && { cursor }) };
}

/** A line about the next page; an empty string for the last page. */
export function nextPage(shown: number, total: number, next: string | null): string {
  if (next === null) return '';
  return `Showing ${shown} of ${total}. For the next page add: --cursor ${next}`;
}
