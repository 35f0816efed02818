import { Cron } from 'croner';

/** @returns the first time after `after`, or null if there is none */
export type Schedule = (after: Date) => Date | null;

const field = /^[\d*,/-]+$/;
const names = /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi;
/** NCRONTAB writes Sunday as 0, so a 7 is only valid as a step. */
const seventhDay = /(?<![\d/])7(?!\d)/;

/**
 * Reads an NCRONTAB expression: `{second} {minute} {hour} {day} {month} {day of week}`, in UTC. A day must match both the
 * day of the month and the day of the week. Extensions of other cron dialects (`@daily`, `L`, `W`, `#`, `?`) are errors, as
 * on Azure.
 *
 * @throws Error quoting the expression
 */
export function parseSchedule(expression: string): Schedule {
  const fields = expression.trim().split(/\s+/);
  const numbers = fields.map((text, index) => (index < 4 ? text : text.replace(names, '1')));
  const valid =
    fields.length === 6 && numbers.every((text) => field.test(text)) && !seventhDay.test(numbers[5] ?? '');
  if (!valid) {
    throw new Error(`"${expression}" is not an NCRONTAB expression with six fields, such as "0 */5 * * * *"`);
  }
  try {
    const cron = new Cron(fields.join(' '), {
      mode: '6-part',
      domAndDow: true,
      timezone: 'UTC',
      paused: true,
    });
    return (after) => cron.nextRun(after);
  } catch (error) {
    throw new Error(`"${expression}" is not an NCRONTAB expression: ${(error as Error).message}`);
  }
}
