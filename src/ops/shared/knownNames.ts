import { errorCodes } from '../../shared/errorPolicy.js';
import { oneLine } from '../../shared/printable.js';
import { RequestError } from './request.js';

/** The fleets and services that an error lists. */
const mostListed = 20;

/** The names of a filter that the schema of the filter cannot check. An undefined name is no part of the filter. */
export interface NamesOfFilter {
  code?: string | undefined;
  fleet?: string | undefined;
  /** '' for the device level, which always exists. */
  service?: string | undefined;
}

/** The names of a device or of a dead letter. */
export interface NamesOfItem {
  fleet: string | null;
  service: string | null;
}

/**
 * Refuses unknown names in a filter that matches nothing. A mistyped name would otherwise look like a system without failures. The schemas of the
 * filters refuse an unknown state, step or status.
 *
 * @param known the devices with records, and the dead letters
 * @param codes further codes, such as the reasons of dead letters
 * @throws RequestError `ops.unknown-code`, `ops.unknown-fleet`, `ops.unknown-service`
 */
export function refuseUnknownNames(
  { code, fleet, service }: NamesOfFilter,
  known: Iterable<NamesOfItem>,
  codes: Iterable<string> = [],
): void {
  if (code !== undefined) refuseUnknownCode(code, codes);
  if (fleet === undefined && !service) return;
  const fleets = new Set<string>();
  const services = new Set<string>();
  for (const each of known) {
    if (each.fleet !== null) fleets.add(each.fleet);
    if (each.service) services.add(each.service);
  }
  if (fleet !== undefined && !fleets.has(fleet))
    throw new RequestError(
      'ops.unknown-fleet',
      `No device of the fleet ${quoted(fleet)} has a record. ${listed('Fleets with records', fleets)}`,
    );
  if (service && !services.has(service))
    throw new RequestError(
      'ops.unknown-service',
      `No device has the desired service ${quoted(service)}. ${listed('Services of the records', services)}`,
    );
}

function refuseUnknownCode(code: string, more: Iterable<string>): void {
  const codes = new Set<string>([...errorCodes, ...more]);
  if (codes.has(code)) return;
  throw new RequestError(
    'ops.unknown-code',
    `There is no error code ${quoted(code)}. ${listed('Codes', codes, codes.size)}`,
  );
}

const quoted = (text: string) => oneLine(JSON.stringify(text));

/** The names that exist, as a sentence. @param what the names in words. @param most the longest list */
export function listed(what: string, names: Set<string>, most = mostListed): string {
  if (names.size === 0) return `${what}: none.`;
  const more = names.size > most ? `, and ${names.size - most} more` : '';
  return `${what}: ${oneLine([...names].sort().slice(0, most).join(', '))}${more}.`;
}
