import { ProvisioningError } from '../shared/errors.js';

/** The version of written rows, and the newest readable version. A change that an older program would misread raises this number. */
export const formatVersion = 1;

/** A newer version of this program has written the row. */
export class NewerRow extends ProvisioningError {
  constructor() {
    super(
      'records-unavailable',
      'A newer version of this program has written the row. The work continues there, or here after the deployment.',
    );
  }
}

/** Writes a value as the JSON of a row, with the version of its form. */
export function encodeRow(value: object): string {
  return JSON.stringify({ format: formatVersion, ...value });
}

/**
 * Reads a value from the JSON of a row.
 *
 * During a deployment, programs of two versions run side by side. The older program leaves the rows of the newer program alone: work that
 * needs such a row is put off, as if the records could not be reached.
 *
 * @throws NewerRow, a ProvisioningError `records-unavailable`
 */
export function decodeRow<T>(json: string): T {
  const value = decodeIfReadable<T>(json);
  if (value === null) throw new NewerRow();
  return value;
}

/** Reads a value from the JSON of a row. @returns null if a newer version has written the row */
export function decodeIfReadable<T>(json: string): T | null {
  const { format, ...value } = JSON.parse(json) as { format: number };
  return format > formatVersion ? null : (value as T);
}
