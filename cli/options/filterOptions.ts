import { type Command, Option } from 'commander';
import type { DeadLetterFilter } from '../../src/ops/deadLetters/filter.js';
import { deadLetterStatuses } from '../../src/ops/deadLetters/schema.js';
import { step } from '../../src/shared/schemas.js';
import { CliError } from '../CliError.js';
import { exitCodes } from '../exitCodes.js';
import { parseUuid } from './parsers.js';

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

/** Which dead letters; all of what is named must hold. */
export function addFilterOptions(command: Command): Command {
  return command
    .option('--code <code>', 'that failed with this, such as service-not-found')
    .addOption(new Option('--step <step>', 'at this step').choices(step.options))
    .option('--fleet <slug>', 'of this fleet, such as my_org/my_fleet')
    .option('--uuid <uuid>', 'of this device', parseUuid)
    .option('--since <when>', 'failed since then: 2h, 7d, or 2026-11-24T03:00:00Z')
    .option('--until <when>', 'failed before then')
    .addOption(new Option('--status <status>', 'what may be done about it').choices([...deadLetterStatuses]))
    .option('--sequence-number <number>', 'this letter of the dead-letter queue');
}

/** The filter that was given. */
export function filterOf(options: FilterOptions): DeadLetterFilter {
  const { code, step: at, fleet, uuid, since, until, status, sequenceNumber } = options;
  const given = { code, step: at, fleet, uuid, since, until, status, sequenceNumber };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** @throws CliError where nothing was named: a forgotten filter is not to mean everything */
export function expectFilter(filter: DeadLetterFilter, all: boolean | undefined): void {
  if (Object.keys(filter).length > 0 || all) return;
  throw new CliError(
    'no-filter',
    exitCodes.wrongUsage,
    'Name which dead letters are meant, such as --code or --uuid, or all of them with --all.',
  );
}
