import { styleText } from 'node:util';
import { statusParts } from '../../src/health/statusText.js';
import type { Overview } from '../../src/ops/overview/schema.js';
import { utcAndLocal } from '../../src/shared/localTime.js';
import { showStatus } from './showStatus.js';
import { table } from './table.js';
import { colorOf, labelled, plural } from './text.js';
import { span, utc } from './time.js';

const labelWidth = 14;
const barWidth = 24;

/** Formats the state of the system for the terminal. @param width the longest line, in characters */
export function showOverview(overview: Overview, width: number): string {
  const { queue, states, devices, failures, rateLimiter, timing, certificates, dependencies } = overview;
  const line = (label: string, text: string) => labelled(label, text, { labelWidth, width });
  const stateText = Object.entries(states)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => styled(state, `${count} ${state}`))
    .join(', ');
  const lastSeen = (name: 'queue' | 'worker' | 'balena' | 'hub') => {
    const { ok, detail } = dependencies[name];
    return ok ? detail : styleText('red', detail);
  };
  return [
    showStatus(overview.status, width),
    '',
    styleText('dim', utc(overview.at)),
    line(
      'queue',
      `${queue.active} active, ${queue.scheduled} scheduled, ${queue.deadLettered} dead-lettered`,
    ),
    line('failed', styled(overview.failed > 0 ? 'failed' : '', plural(overview.failed, 'request'))),
    ...(queue.note ? [line('', queue.note)] : []),
    ...(dependencies.queue.detail === 'answers' ? [] : [line('', lastSeen('queue'))]),
    line('rate', rateLimiterText(rateLimiter)),
    line('devices', `${devices}${stateText ? `: ${stateText}` : ''}`),
    line('time', timeText(timing)),
    line('certificates', certificateText(certificates)),
    line('worker', lastSeen('worker')),
    line('balena', lastSeen('balena')),
    line('hub', lastSeen('hub')),
    '',
    failures.length === 0
      ? 'There are no failures that need an operator.'
      : table(
          failures.slice(0, 8),
          [
            { title: 'ERROR', of: ({ code }) => code },
            { title: 'STEP', of: ({ step }) => step ?? '' },
            { title: 'FAILED', of: ({ failed }) => `${failed}`, right: true },
            { title: 'RETRYING', of: ({ retrying }) => `${retrying}`, right: true },
          ],
          width,
        ),
  ].join('\n');
}

/** Formats the state of the system as one line, for a log. */
export function overviewLine({ at, status, queue, states, failed, rateLimiter, failures }: Overview): string {
  const { word, what } = statusParts(status, utcAndLocal);
  const worst = failures[0];
  return [
    utc(at),
    what ? `${word}: ${what}` : word,
    `${queue.active} active, ${queue.scheduled} scheduled, ${queue.deadLettered} dead-lettered`,
    `${rateLimiter.lastMinute ?? '-'} of ${rateLimiter.limitPerMinute} a minute`,
    `${states.provisioned} provisioned, ${status.backlog.waiting ?? 0} waiting, ${failed} failed`,
    ...(worst ? [`most frequent error: ${worst.code}`] : []),
  ].join('; ');
}

function rateLimiterText({ lastMinute, limitPerMinute }: Overview['rateLimiter']): string {
  if (lastMinute === null)
    return `not measured yet; the hub allows ${limitPerMinute} registry operations a minute`;
  const full = Math.min(barWidth, Math.round((lastMinute / limitPerMinute) * barWidth));
  const bar = '█'.repeat(full) + '░'.repeat(barWidth - full);
  return `${bar} ${lastMinute} of ${limitPerMinute} registry operations a minute`;
}

function timeText({ p50Seconds, p95Seconds, count }: Overview['timing']): string {
  if (p50Seconds === null || p95Seconds === null) return 'no device was provisioned in the last hour';
  const seconds = (value: number) => (value < 10 ? `${value.toFixed(1)} s` : span(value * 1_000));
  return `from request to provisioned: half within ${seconds(p50Seconds)}, 95 % within ${seconds(p95Seconds)} (${count} in the last hour)`;
}

function certificateText({ expired, within7Days, within30Days, later }: Overview['certificates']): string {
  const soon = `${within7Days} expire within 7 days, ${within30Days} within 30 days, ${later} later`;
  return expired > 0 ? `${styleText('red', `${expired} expired`)}, ${soon}` : soon;
}

function styled(state: string, text: string): string {
  const color = colorOf(state);
  return color === undefined ? text : styleText(color, text);
}
