import { styleText } from 'node:util';
import { outcomeOf } from '../../src/ops/bulk/outcome.js';
import type { Action } from '../../src/ops/bulk/schema.js';
import { colorOf, labelled, listCounts, plural } from './text.js';
import { ago, span, utc } from './time.js';

const labelWidth = 10;
/** The kinds of actions as nouns. */
export const actionNouns: Record<Action['kind'], string> = {
  replay: 'replay',
  discard: 'discard',
  rotate: 'rotation',
  provision: 'provisioning',
  deprovision: 'deprovisioning',
  fleet: 'request for the fleet',
};
const itemNouns: Record<Action['kind'], string> = {
  replay: 'dead letter',
  discard: 'dead letter',
  rotate: 'certificate',
  provision: 'device',
  deprovision: 'device',
  fleet: 'device',
};

/** Formats a bulk action for the terminal: the plan, or the results after the start. @param width the longest line, in characters */
export function showAction(action: Action, width: number): string {
  const { counts, state, kind, filter, ratePerMinute, byCode, byFleet } = action;
  const color = colorOf(state);
  const planned = state === 'planned';
  const lines: [label: string, text: string | null][] = [
    [
      'action',
      `${kind} ${plural(requestCount(action), itemNouns[kind])}${ofAll(action)} ${filterText(filter)}${action.revoke ? '; the hub rejects the old certificates as soon as balena shows the new ones' : ''}`,
    ],
    ['by code', listCounts(byCode)],
    ['by fleet', listCounts(byFleet)],
    ['service', serviceOf(action)],
    ['left out', counts.quarantined > 0 ? quarantined(counts.quarantined) : null],
    [planned ? 'duration' : 'took', kind === 'discard' || action.answer !== null ? null : timeOf(action)],
    ['rate', planned || ratePerMinute === null || kind === 'discard' ? null : rateOf(action)],
    ['outcome', planned || action.answer !== null ? null : outcomeOf(action)],
    ['failures', failuresOf(action)],
    ['reason', action.reason],
    ['operator', operatorOf(action)],
    ['note', action.note],
  ];
  const shown = lines.flatMap(([label, text]) =>
    text ? [labelled(label, text, { labelWidth, width })] : [],
  );
  const failures = action.failures.map(({ uuid, code, message }) =>
    `  ${uuid}  ${code}  ${message ?? ''}`.trimEnd(),
  );
  const title = action.answer ?? (color ? styleText(color, state) : state);
  return [`${action.id}  ${title}`, ...shown, ...failures].join('\n');
}

/** A variable scope in words. */
export function placeName(service: string): string {
  return service === '' ? 'the device level' : `the service ${service}`;
}

/** The service of the new requests, and the number of devices without the service. */
function serviceOf({ service, lacking, answer, counts: { planned } }: Action): string | null {
  if (service === null) return null;
  if (answer !== null) return placeName(service);
  const without = lacking
    ? `: ${lacking} of ${plural(planned, 'device')} without this service fail again`
    : '';
  return `new requests for ${placeName(service)}${without}`;
}

function failuresOf({ counts, failures, kind }: Action): string | null {
  if (counts.failed === 0) return null;
  const all = kind === 'replay' ? 'provisioner dead-letters list' : 'provisioner list --state failed';
  return failures.length < counts.failed
    ? `the first ${failures.length} of ${counts.failed}; all: ${all}`
    : `${counts.failed}:`;
}

/** The number of requests of the action: the planned set, or the limit if the limit is smaller. */
export function requestCount({ counts: { planned }, limit }: Action): number {
  return Math.min(planned, limit ?? planned);
}

function ofAll({ counts: { planned }, limit }: Action): string {
  return limit !== null && limit < planned ? ` of ${planned}` : '';
}

/** A filter in words: "with code hub-rejected". */
export function filterText(filter: Record<string, string>): string {
  const parts = Object.entries(filter).map(([name, value]) => `${name} ${value}`);
  return parts.length > 0 ? `with ${parts.join(', ')}` : '(no filter)';
}

function quarantined(count: number): string {
  return `${count} in quarantine, because three replays have failed. To replay a device in quarantine use --uuid`;
}

function timeOf({ state, expectedSeconds, startedAt, endedAt, ratePerMinute }: Action): string | null {
  if (state === 'planned')
    return `${span(expectedSeconds * 1_000)} at ${ratePerMinute === null ? "the hub's rate limit" : `${ratePerMinute} a minute`}`;
  if (startedAt === null) return null;
  return span(Math.max(0, (endedAt === null ? Date.now() : Date.parse(endedAt)) - Date.parse(startedAt)));
}

function rateOf({ ratePerMinute, ramp }: Action): string {
  return `${ratePerMinute} a minute${ramp ? ', in growing waves' : ''}`;
}

function operatorOf({ by, startedBy, cancelledBy, plannedAt, startedAt, state }: Action): string {
  if (state === 'planned') return `planned by ${by} ${ago(plannedAt)}`;
  const started = startedAt === null ? '' : `started by ${startedBy}, ${utc(startedAt)} (${ago(startedAt)})`;
  return [started, cancelledBy === null ? '' : `cancelled by ${cancelledBy}`].filter(Boolean).join(', ');
}
