import type { ConfigFor } from '../../src/config/config.js';
import { tableUrl } from '../../src/storage/table.js';
import { type Check, failed, ok, warning } from './check.js';

/** The Date header is exact to a second, and the way there takes some time. */
const unnoticedMs = 2_000;
/** Signatures are refused from 15 minutes on; slots and leases compare clocks long before. */
const worstMs = 30_000;

async function skewAgainst(
  connection: ConfigFor<'records'>['records']['connection'],
): Promise<number | null> {
  try {
    return await readClockSkew(tableUrl(connection));
  } catch {
    // A connection string that cannot be read: said elsewhere.
    return null;
  }
}

/** This machine: its Node, and its clock against that of the records. @param config null where it is not known */
export async function checkMachine(config: ConfigFor<'records'> | null): Promise<Check[]> {
  const node = ok('node', process.version);
  if (!config) return [node];
  const skewMs = await skewAgainst(config.records.connection);
  if (skewMs === null)
    return [node, warning('clock', 'not known: the records do not answer', 'compare it by hand')];
  const seconds = Math.abs(skewMs / 1_000).toFixed(1);
  const detail = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} that of the records`;
  if (Math.abs(skewMs) <= unnoticedMs) return [node, ok('clock', 'as that of the records')];
  const check = Math.abs(skewMs) > worstMs ? failed : warning;
  return [node, check('clock', detail, 'have this machine keep its clock by NTP')];
}

/**
 * How far our clock is ahead of a server's, by the Date header of whatever it answers.
 *
 * @returns ms, negative where ours is behind, exact to a second; null where nothing answers
 */
export async function readClockSkew(url: string, callTimeoutMs = 5_000): Promise<number | null> {
  const requested = Date.now();
  try {
    const response = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(callTimeoutMs) });
    const date = Date.parse(response.headers.get('date') ?? '');
    if (Number.isNaN(date)) return null;
    const answered = Date.now();
    // The header has no fractions: the moment lay within the second that it names.
    return Math.round((requested + answered) / 2 - (date + 500));
  } catch {
    return null;
  }
}
