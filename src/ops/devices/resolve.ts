import type { Records } from '../../device/repository.js';
import { uuid, uuidOrDigits } from '../../shared/schemas.js';
import { RequestError } from '../shared/request.js';

/** The most devices that an error lists. */
const mostListed = 5;

/**
 * Finds the full UUID of a device by the first digits. The search reads one range of the records, and not all records.
 *
 * @param given the full UUID, or at least the first 7 digits. A full UUID is returned without a search
 * @throws RequestError `ops.bad-uuid`, `ops.no-such-device` (404), `ops.ambiguous-uuid`
 * @throws ProvisioningError `records-unavailable`
 */
export async function resolveUuid(records: Pick<Records, 'summaries'>, given: string): Promise<string> {
  const parsed = uuidOrDigits.safeParse(given);
  if (!parsed.success) throw new RequestError('ops.bad-uuid', `The UUID ${parsed.error.issues[0]?.message}.`);
  const digits = parsed.data;
  if (uuid.safeParse(digits).success) return digits;
  const found: string[] = [];
  for await (const summary of records.summaries({ startsWith: digits })) {
    if (found.push(summary.uuid) > mostListed) break;
  }
  const [only, ...others] = found;
  if (only === undefined)
    throw new RequestError(
      'ops.no-such-device',
      `No request was ever made for a device whose UUID starts with ${digits}. Check the digits, or use the full UUID.`,
      404,
    );
  if (others.length === 0) return only;
  const listed = found.slice(0, mostListed).join(', ');
  throw new RequestError(
    'ops.ambiguous-uuid',
    `Several devices have a UUID that starts with ${digits}: ${listed}${found.length > mostListed ? ', and more' : ''}. Use more digits.`,
  );
}
