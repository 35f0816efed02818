import { styleText } from 'node:util';
import type { Action } from '../../src/ops/bulk/schema.js';
import { colorOf, counted, plural, wrap } from './text.js';
import { ago, span, utc } from './time.js';

const labelWidth = 10;
const nouns = { replay: 'dead letter', discard: 'dead letter', rotate: 'certificate' } as const;

/** A bulk action for people: what it is to do, or what it has done. */
export function showAction(action: Action, width: number): string {
  const { counts, state, kind, filter, ratePerMinute, byCode, byFleet } = action;
  const color = colorOf(state);
  const planned = state === 'planned';
  const lines: [label: string, text: string | null][] = [
    [
      'what',
      `${kind} ${plural(sizeOf(action), nouns[kind])}${ofAll(action)} ${filterText(filter)}${action.revoke ? '; the hub refuses the old ones at once' : ''}`,
    ],
    ['by code', counted(byCode)],
    ['by fleet', counted(byFleet)],
    ['left out', counts.quarantined > 0 ? quarantined(counts.quarantined) : null],
    [planned ? 'takes' : 'took', kind === 'discard' ? null : timeOf(action)],
    ['rate', planned || ratePerMinute === null || kind === 'discard' ? null : rateOf(action)],
    ['outcome', planned ? null : outcomeOf(action)],
    ['reason', action.reason],
    ['who', whoOf(action)],
    ['note', action.note],
  ];
  const indent = ' '.repeat(labelWidth);
  const shown = lines.flatMap(([label, text]) =>
    text
      ? [
          styleText('dim', label.padEnd(labelWidth)) +
            wrap(text, width - labelWidth).replaceAll('\n', `\n${indent}`),
        ]
      : [],
  );
  return [`${action.id}  ${color ? styleText(color, state) : state}`, ...shown].join('\n');
}

/** What has come of those that were asked for: "120 succeeded, 3 failed". */
export function outcomeOf({ counts, kind }: Action): string {
  const { succeeded, failed, cancelled, superseded, underWay } = counts;
  const parts: [number, string][] = [
    [succeeded, kind === 'discard' ? 'discarded' : 'succeeded'],
    [failed, kind === 'replay' ? 'failed again' : 'failed'],
    [cancelled, 'cancelled'],
    [superseded, 'superseded'],
    [underWay, 'under way'],
  ];
  const shown = parts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return shown.join(', ') || 'nothing yet';
}

/** Of the planned set, how many are to be asked for. */
export function sizeOf({ counts: { planned }, limit }: Action): number {
  return Math.min(planned, limit ?? planned);
}

function ofAll({ counts: { planned }, limit }: Action): string {
  return limit !== null && limit < planned ? ` of ${planned}` : '';
}

export function filterText(filter: Record<string, string>): string {
  const parts = Object.entries(filter).map(([name, value]) => `${name} ${value}`);
  return parts.length > 0 ? `with ${parts.join(', ')}` : '(all there are)';
}

function quarantined(count: number): string {
  return `${count} in quarantine: they have failed again after three replays. By name (--uuid) they are replayed all the same`;
}

function timeOf({ state, expectedSeconds, startedAt, endedAt, ratePerMinute }: Action): string | null {
  if (state === 'planned')
    return `${span(expectedSeconds * 1_000)} at ${ratePerMinute === null ? "the hub's pace" : `${ratePerMinute} a minute`}`;
  if (startedAt === null) return null;
  return span(Math.max(0, (endedAt === null ? Date.now() : Date.parse(endedAt)) - Date.parse(startedAt)));
}

function rateOf({ ratePerMinute, ramp }: Action): string {
  return `${ratePerMinute} a minute${ramp ? ', in growing waves' : ''}`;
}

function whoOf({ by, startedBy, cancelledBy, plannedAt, startedAt, state }: Action): string {
  if (state === 'planned') return `planned by ${by} ${ago(plannedAt)}`;
  const started = startedAt === null ? '' : `started by ${startedBy}, ${utc(startedAt)} (${ago(startedAt)})`;
  return [started, cancelledBy === null ? '' : `cancelled by ${cancelledBy}`].filter(Boolean).join(', ');
}
