import type { DeviceRecord } from '../../src/device/record.js';
import type { DeviceEvidence } from './check/Evidence.js';
import type { Ask } from './history/Ask.js';
import type { Line } from './system/Line.js';

/** The simulators print the first digits of a UUID instead of the whole UUID. */
const shortDigits = 7;

/** Prints the whole history of a device: requests, answers and log lines in order, and the final state. */
export function describeDevice(
  { device, asks, view, deadLetters, identity, variables }: DeviceEvidence,
  record: DeviceRecord | undefined,
  lines: readonly Line[],
): string {
  const short = device.uuid.slice(0, shortDigits);
  const requestIds = asks.flatMap(({ outcome }) => (outcome.kind === 'accepted' ? [outcome.requestId] : []));
  const about = lines.filter(
    ({ process, text }) =>
      process === 'chaos' || text.includes(short) || requestIds.some((id) => text.includes(id)),
  );
  const said = about.map(({ at, process, text }) => ({ at, text: `${process}: ${text}` }));
  const requested = asks.flatMap((ask) => [
    { at: ask.sentAt, text: `-> ${wishOf(ask)}` },
    { at: ask.answeredAt, text: `<- ${wishOf(ask)}: ${JSON.stringify(ask.outcome)}` },
  ]);
  const history = [...said, ...requested]
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => `  ${(at / 1_000).toFixed(3).padStart(9)} ${text}`);
  const scopes = Object.entries(variables ?? {}).map(
    ([scope, values]) => `"${scope}": ${Object.keys(values)}`,
  );
  return [
    `device ${device.uuid}${device.exists ? '' : ' (unknown to balena)'}`,
    ...history,
    `  state    ${JSON.stringify(view)}`,
    `  record   ${JSON.stringify(record)}`,
    `  dead     ${JSON.stringify(deadLetters)}`,
    `  hub      ${JSON.stringify(identity)}`,
    `  balena   ${variables ? scopes.join(', ') || 'no variables' : 'does not know it'}`,
  ].join('\n');
}

function wishOf({ wish }: Ask): string {
  return wish.operation === 'provision' ? `POST "${wish.service}"` : 'DELETE';
}
