import { errorCodes } from '../../shared/errorPolicy.js';
import { oneLine } from '../../shared/printable.js';
import { RequestError } from './request.js';

/** The names that an error lists. */
const mostListed = 20;

/**
 * Refuses an unknown fleet in a filter. A mistyped slug would otherwise look like a fleet without failures.
 *
 * @param fleet the slug in the filter; undefined: no fleet
 * @param known the fleets of the records
 * @throws RequestError `ops.unknown-fleet`
 */
export function refuseUnknownFleet(fleet: string | undefined, known: Iterable<string | null>): void {
  if (fleet === undefined) return;
  const fleets = new Set<string>();
  for (const each of known) {
    if (each === fleet) return;
    if (each !== null) fleets.add(each);
  }
  throw new RequestError(
    'ops.unknown-fleet',
    `No device of the fleet ${quoted(fleet)} has a record. ${listed('Fleets with records', fleets)}`,
  );
}

/**
 * Refuses an unknown code in a filter.
 *
 * @param code the code in the filter; undefined: no code
 * @param more further codes, such as the reasons of dead letters
 * @throws RequestError `ops.unknown-code`
 */
export function refuseUnknownCode(code: string | undefined, more: Iterable<string> = []): void {
  if (code === undefined) return;
  const codes = new Set<string>([...errorCodes, ...more]);
  if (codes.has(code)) return;
  throw new RequestError(
    'ops.unknown-code',
    `There is no error code ${quoted(code)}. ${listed('Codes', codes, codes.size)}`,
  );
}

const quoted = (text: string) => oneLine(JSON.stringify(text));

function listed(what: string, names: Set<string>, most = mostListed): string {
  if (names.size === 0) return `${what}: none.`;
  const more = names.size > most ? `, and ${names.size - most} more` : '';
  return `${what}: ${oneLine([...names].sort().slice(0, most).join(', '))}${more}.`;
}
