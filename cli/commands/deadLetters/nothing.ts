import type { Action } from '../../../src/ops/bulk/schema.js';
import { CliError, exitCodes } from '../../exitCodes.js';
import type { FilterOptions } from '../../options/filterOptions.js';
import { plural } from '../../output/text.js';

/**
 * The answer to a plan without any dead letter.
 *
 * @param options the filter of the plan
 * @throws CliError `no-such-dead-letter` if the filter names one device or one message: the operator expects a dead letter
 */
export function nothingTo(
  verb: 'replay' | 'discard',
  { counts: { quarantined } }: Action,
  { uuid, sequenceNumber }: FilterOptions,
): string {
  if (uuid !== undefined)
    throw new CliError(
      'no-such-dead-letter',
      exitCodes.notFound,
      `The device has no dead letter, so there is nothing to ${verb}. To see the state of the device: provisioner status ${uuid}`,
    );
  if (sequenceNumber !== undefined)
    throw new CliError(
      'no-such-dead-letter',
      exitCodes.notFound,
      `No dead letter has this sequence number, so there is nothing to ${verb}. To see all dead letters: provisioner dead-letters list`,
    );
  const hidden =
    quarantined > 0
      ? ` ${plural(quarantined, 'device')} in quarantine: use --uuid to ${verb} a device in quarantine.`
      : '';
  return `There is nothing to ${verb}.${hidden} To see all dead letters: provisioner dead-letters list`;
}
