/** The devices of a history. The last UUID is long. */
export const uuids: readonly [string, string, string] = ['a1'.repeat(16), 'b2'.repeat(16), 'c3'.repeat(31)];

/** A short name, for the history. */
export function deviceName(uuid: string): string {
  return uuid.slice(0, 2);
}
