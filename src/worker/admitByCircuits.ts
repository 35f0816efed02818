import type { Tools } from './Tools.js';

/**
 * Are both sides worth asking?
 *
 * @param id names the run, as a probe
 * @returns null to go ahead, or the Unix ms at which to come again
 */
export async function admitByCircuits({ circuits }: Tools, id: string): Promise<number | null> {
  return (await circuits.balena.admit(id)) ?? (await circuits.hub.admit(id));
}
