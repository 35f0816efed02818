import { BrokerError } from '../engine/BrokerError.js';

/** .NET's longest time span: how the service writes "unlimited". */
const unlimited = 'P10675199DT2H48M5.4775807S';

const pattern = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const longestDays = 10_675_199;

/**
 * Reads an ISO 8601 duration such as `PT1M`.
 * @returns milliseconds; undefined for one that means unlimited
 * @throws BrokerError `argument` for anything else
 */
export function parseDuration(text: string): number | undefined {
  const parts = pattern.exec(text);
  if (!parts || text === 'P') throw new BrokerError('argument', `'${text}' is not an ISO 8601 duration.`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  if (days >= longestDays) return undefined;
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** @param ms undefined for unlimited */
export function formatDuration(ms: number | undefined): string {
  if (ms === undefined) return unlimited;
  const seconds = (ms / 1000) % 60;
  const minutes = Math.floor(ms / 60_000) % 60;
  const hours = Math.floor(ms / 3_600_000) % 24;
  const days = Math.floor(ms / 86_400_000);
  const time = [hours && `${hours}H`, minutes && `${minutes}M`, seconds && `${seconds}S`]
    .filter(Boolean)
    .join('');
  return `P${days ? `${days}D` : ''}${time ? `T${time}` : ''}`.replace(/^P$/, 'PT0S');
}
