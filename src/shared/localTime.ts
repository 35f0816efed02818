const local = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  timeZoneName: 'short',
});

/**
 * A time in UTC and in the local time zone of this process: "2027-01-15T08:05:00Z (09:05:00 CET)". In the zone UTC, the time is shown
 * once.
 *
 * @param at ISO 8601, UTC
 */
export function utcAndLocal(at: string): string {
  const utc = `${at.slice(0, 19)}Z`;
  const own = local.format(Date.parse(at));
  return own === `${at.slice(11, 19)} UTC` ? utc : `${utc} (${own})`;
}
