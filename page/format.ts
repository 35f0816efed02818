import type { EpochMs } from '../src/shared/time.js';

const numbers = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });

/** A number with at most one decimal, in the browser's notation: `12,345.6`. */
export function number(value: number): string {
  return numbers.format(value);
}

/** `1 device`, `2 devices`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${number(count)} ${count === 1 ? one : many}`;
}

/** A time span in at most two units: `850 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `3 days`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${number(ms / 1_000)} s`;
  const s = Math.round(ms / 1_000);
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (min < 60) return s % 60 === 0 || min >= 10 ? `${min} min` : `${min} min ${s % 60} s`;
  const h = Math.floor(min / 60);
  if (h < 48) return min % 60 === 0 ? `${h} h` : `${h} h ${min % 60} min`;
  return `${Math.floor(h / 24)} days`;
}

/** A time relative to now: `3 min ago`, `in 3 min`, or `now`. */
export function relative(at: EpochMs, now: EpochMs): string {
  if (Math.abs(now - at) < 1_000) return 'now';
  return at > now ? `in ${duration(at - now)}` : `${duration(now - at)} ago`;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayAndClock = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' });

/** Local time: the hour for today, day and hour for another day of this year, the day alone for another year. */
export function localTime(at: EpochMs, now: EpochMs): string {
  const [then, today] = [new Date(at), new Date(now)];
  if (then.toDateString() === today.toDateString()) return clock.format(then);
  return (then.getFullYear() === today.getFullYear() ? dayAndClock : day).format(then);
}

/** A text of the API, with each time in UTC (ISO 8601) replaced by the local time. */
export function withLocalTimes(text: string, now: EpochMs): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (at) =>
    localTime(Date.parse(at), now),
  );
}

/** The first twelve digits of a UUID, which are enough to distinguish devices. */
export function shortUuid(uuid: string): string {
  return uuid.length > 12 ? `${uuid.slice(0, 12)}…` : uuid;
}

/** The kind of a device's key, in words. */
export function keyName(key: 'device' | 'issued' | null): string {
  if (key === null) return '–';
  return key === 'device' ? 'made by the device' : 'issued, in the variables';
}

/** The name of a service; the empty name stands for the device level, and null for an unknown service. */
export function serviceName(service: string | null): string {
  if (service === null) return '–';
  return service === '' ? '(device level)' : service;
}

const dayMs = 86_400_000;

/** The days until a time: `expired`, `less than a day left`, `12 days left`. */
export function daysLeft(until: EpochMs, now: EpochMs): string {
  if (until <= now) return 'expired';
  const days = Math.floor((until - now) / dayMs);
  return days === 0 ? 'less than a day left' : `${plural(days, 'day')} left`;
}

/** The time zone of the page's times: `Europe/Berlin` and `UTC+1`. */
export function timeZone(now: EpochMs): { name: string; offset: string } {
  const { timeZone: name } = new Intl.DateTimeFormat().resolvedOptions();
  const minutes = -new Date(now).getTimezoneOffset();
  const [h, min] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const offset = `UTC${minutes < 0 ? '−' : '+'}${h}${min === 0 ? '' : `:${String(min).padStart(2, '0')}`}`;
  return { name: name === 'UTC' ? '' : name, offset: minutes === 0 ? 'UTC' : offset };
}

/** The advice for a line of a table: without the commands that end a sentence. A command in the middle of a sentence belongs to the sentence. */
export function shortAdvice(advice: string): string {
  return advice.replaceAll(/[:,]? ?\(?`[^`]*`\)?(?=[.,;]|$)/g, '').replaceAll('`', '');
}
