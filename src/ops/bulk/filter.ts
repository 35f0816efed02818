import * as z from 'zod';
import { uuid } from '../../shared/schemas.js';
import { deadLetterFilter, when } from '../deadLetters/filter.js';

/** Selects the certificates of a rotation. A certificate must match every field of the filter. */
export const rotateFilter = z.strictObject({
  uuid: uuid.optional(),
  fleet: deadLetterFilter.shape.fleet,
  service: z.string().max(255).optional().describe("a service's name, or '' for the device level"),
  mintedBefore: when
    .optional()
    .describe(
      'minted before: ISO 8601, or a duration before now such as 30m, 2h, 7d (notBefore of a certificate is five minutes early)',
    ),
});

/** The fields of all filters. Each kind of action checks the filter against the action's own schema. */
export const actionFilter = z.strictObject({ ...deadLetterFilter.shape, ...rotateFilter.shape });
