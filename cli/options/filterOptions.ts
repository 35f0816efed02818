import { type Command, Option } from 'commander';
import type { DeadLetterFilter } from '../../src/ops/deadLetters/filter.js';
import { deadLetterStatuses } from '../../src/ops/deadLetters/schema.js';
import { step } from '../../src/shared/schemas.js';
import { CliError, exitCodes } from '../exitCodes.js';
import { parseSlug, parseUuid } from './common.js';

/** The filter options for dead letters. */
export interface FilterOptions {
  code?: string;
  step?: DeadLetterFilter['step'];
  fleet?: string;
  uuid?: string;
  since?: string;
  until?: string;
  status?: DeadLetterFilter['status'];
  sequenceNumber?: string;
}

/** Adds the filter options for dead letters. A dead letter must match all given options. */
export function addFilterOptions(command: Command): Command {
  return command
    .option('--code <code>', 'with this error code, such as service-not-found')
    .addOption(new Option('--step <step>', 'failed at this step').choices(step.options))
    .option('--fleet <slug>', 'of this fleet, such as my_org/my_fleet', parseSlug)
    .option('--uuid <uuid>', 'of this device (UUID or first digits)', parseUuid)
    .option('--since <when>', 'failed after this time: 2h, 7d, or 2026-11-24T03:00:00Z')
    .option('--until <when>', 'failed before this time')
    .addOption(new Option('--status <status>', 'with this status').choices([...deadLetterStatuses]))
    .option('--sequence-number <number>', 'with this sequence number in the dead-letter queue');
}

/** Converts the options to a filter; options without a value are left out. */
export function filterOf(options: FilterOptions): DeadLetterFilter {
  const { code, step: failedStep, fleet, uuid, since, until, status, sequenceNumber } = options;
  const given = { code, step: failedStep, fleet, uuid, since, until, status, sequenceNumber };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Rejects an empty filter without --all, so a forgotten filter does not select all dead letters. @throws CliError `no-filter` */
export function expectFilter(filter: DeadLetterFilter, all: boolean | undefined): void {
  if (Object.keys(filter).length > 0 || all) return;
  throw new CliError(
    'no-filter',
    exitCodes.wrongUsage,
    'Select dead letters with a filter such as --code or --uuid, or select all with --all.',
  );
}
