import type { ConfigFor } from '../../src/config/config.js';
import { tableUrl } from '../../src/storage/table.js';
import { type Check, failed, ok, warning } from './check.js';

/** A smaller difference cannot be measured: the Date header has a precision of one second, and the request takes time. */
const unnoticedMs = 2_000;
/** With a greater difference the check fails. Azure rejects signatures after 15 minutes, but reservations and leases compare clocks much earlier. */
const worstMs = 30_000;

/** How far this machine's clock is ahead of the clock of the records, ms; null if unknown. */
async function skewAgainst(
  connection: ConfigFor<'records'>['records']['connection'],
): Promise<number | null> {
  try {
    return await readClockSkew(tableUrl(connection));
  } catch {
    // The connection string cannot be read. Another check reports the fault.
    return null;
  }
}

/**
 * Reports the Node version of this machine, and compares the clock with the clock of the records.
 *
 * @param config null if the settings of the records are wrong
 */
export async function checkMachine(config: ConfigFor<'records'> | null): Promise<Check[]> {
  const node = ok('node', process.version);
  if (!config) return [node];
  const skewMs = await skewAgainst(config.records.connection);
  if (skewMs === null)
    return [
      node,
      warning('clock', 'unknown, because the records do not answer', 'compare the clock by hand'),
    ];
  const seconds = Math.abs(skewMs / 1_000).toFixed(1);
  const detail = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} the clock of the records`;
  if (Math.abs(skewMs) <= unnoticedMs) return [node, ok('clock', 'same as the clock of the records')];
  const check = Math.abs(skewMs) > worstMs ? failed : warning;
  return [node, check('clock', detail, 'synchronize the clock of this machine with NTP')];
}

/**
 * Measures how far the clock of this machine is ahead of a server's clock. The time comes from the Date header of any response.
 *
 * @returns ms with a precision of one second, negative if this machine is behind; null without an answer
 */
export async function readClockSkew(url: string, callTimeoutMs = 5_000): Promise<number | null> {
  const sentAt = Date.now();
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(callTimeoutMs) });
    const date = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(date)) return null;
    const answeredAt = Date.now();
    // The header has whole seconds, so half a second is the best estimate of the fraction.
    return Math.round((sentAt + answeredAt) / 2 - (date + 500));
  } catch {
    return null;
  }
}
