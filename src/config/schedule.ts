import { Cron } from 'croner';
import * as z from 'zod';

const form =
  'must be off, or a schedule of six fields with the seconds first, such as 0 0 3 * * * (daily at 03:00 UTC)';
const fields = ['seconds', 'minutes', 'hours', 'days', 'months', 'weekdays'];

/** The part of cron that the Functions host (NCRONTAB) knows, too: numbers, names, lists, ranges and steps. */
const month = 'jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec';
const weekday = 'sun|mon|tue|wed|thu|fri|sat';
const item = `(\\d+|\\*|${month}|${weekday})`;
const field = new RegExp(`^${item}(-${item})?(/\\d+)?(,${item}(-${item})?(/\\d+)?)*$`, 'i');

/** A schedule in the NCRONTAB form of the Functions host, or off. */
export const schedule = z.string().superRefine((text, context) => {
  const fault = text === 'off' ? null : faultOf(text.split(/\s+/));
  if (fault !== null) context.addIssue({ code: 'custom', message: `${form}. The fault: ${fault}` });
});

function faultOf(parts: string[]): string | null {
  if (parts.length !== fields.length) return `the number of fields is ${parts.length}`;
  const wrong = fields.filter((_, at) => !isValid(parts[at] ?? '', at));
  if (wrong.length > 0) return `${wrong.join(' and ')} out of range, or in another form`;
  return next(parts) === null ? 'the time never comes' : null;
}

function isValid(part: string, at: number): boolean {
  if (!field.test(part)) return false;
  // The host knows Sunday as 0 only.
  if (fields[at] === 'weekdays' && /(^|[,-])7/.test(part)) return false;
  try {
    next(fields.map((_, other) => (other === at ? part : '*')));
    return true;
  } catch {
    return false;
  }
}

function next(parts: string[]): Date | null {
  return new Cron(parts.join(' '), { mode: '6-part', timezone: 'UTC', paused: true }).nextRun();
}
