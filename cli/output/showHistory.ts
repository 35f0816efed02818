import { styleText } from 'node:util';
import type { DeviceHistory } from '../../src/ops/devices/schema.js';
import { adviceFor } from '../../src/shared/errorPolicy.js';
import { colorOf, labelled, wrap } from './text.js';
import { ago, utc } from './time.js';

const hubs: Record<DeviceHistory['device']['hub'], string> = {
  unknown: 'unknown; the next run checks the identity',
  none: 'has no identity',
  exists: 'has an identity',
  'accepts-certificate': 'accepts the certificate',
  'accepts-other': 'accepts another certificate',
};

const labelWidth = 13;

/** Formats the state and the history of one device for the terminal. @param width the longest line, in characters */
export function showHistory({ device, history }: DeviceHistory, width: number): string {
  const { state, certificate, error, service, discarded, refusal } = device;
  const failure = error ?? refusal?.error;
  const lines: [label: string, text: string | null][] = [
    ['requested', `${device.operation}${scopeOf(service)}, ${when(device.requestedAt)}`],
    ['fleet', device.fleet],
    ['expected', device.expectedAt && when(device.expectedAt)],
    ['waits', waitOf(device.waiting)],
    ['done', device.completedAt && when(device.completedAt)],
    ['error', error && reasonOf(error)],
    [
      'refused',
      refusal && `the request${scopeOf(refusal.service)}, ${when(refusal.at)}; ${reasonOf(refusal.error)}`,
    ],
    ['attempts', device.attempts > 0 ? `${device.attempts}` : null],
    ['replays', device.replays > 0 ? `${device.replays}` : null],
    ['certificate', certificate?.thumbprint ?? null],
    [
      '',
      certificate && `${certificate.keyAlgorithm}${signedBy(certificate)}, ${validity(certificate.notAfter)}`,
    ],
    ['key', device.key === 'device' ? 'made by the device; the key never leaves the device' : device.key],
    ['until', device.issuedUntil && `${when(device.issuedUntil)} the issued certificate stays valid`],
    ['hub', hubs[device.hub]],
    ['discarded', discarded && `${when(discarded.at)} by ${discarded.by}: ${discarded.reason}`],
    [
      'to do',
      device.replayable
        ? `${failure ? `${adviceFor(failure.code, device)} ` : ''}(provisioner dead-letters replay --uuid ${device.uuid})`
        : state === 'failed' && error && !discarded
          ? adviceFor(error.code, device)
          : null,
    ],
  ];
  const shown = lines.flatMap(([label, text]) =>
    text === null || text === '' ? [] : [labelled(label, text, { labelWidth, width })],
  );
  const color = colorOf(state);
  const head = `${device.uuid}  ${color ? styleText(color, state) : state}`;
  return [head, ...shown, '', ...history.map((event) => eventLine(event, width))].join('\n');
}

/** Why the pending work is not done yet, and when a worker looks next. */
function waitOf(waiting: DeviceHistory['device']['waiting']): string | null {
  if (!waiting) return null;
  const next = waiting.nextLook === null ? '' : ` Next look: ${when(waiting.nextLook)}.`;
  return `${waiting.isCheck ? 'For a check: ' : ''}${waiting.reason}${next}`;
}

function eventLine({ at, type, note, steps = [] }: DeviceHistory['history'][number], width: number): string {
  const time = `${at.slice(5, 10)} ${at.slice(11, 19)}  `;
  const indent = ' '.repeat(time.length);
  const traces = steps.map(({ step, ms, code }) => `${step} ${Math.round(ms)} ms${code ? ` (${code})` : ''}`);
  const lines = [`${type}: ${note}`, ...(traces.length > 0 ? [traces.join(', ')] : [])];
  const wrapped = lines.map((line) => wrap(line, width - time.length).replaceAll('\n', `\n${indent}`));
  return styleText('dim', time) + wrapped.join(`\n${indent}`);
}

function reasonOf({ code, step, message }: NonNullable<DeviceHistory['device']['error']>): string {
  return `${code}${step ? ` at ${step}` : ''}: ${message}`;
}

function when(at: string): string {
  return `${utc(at)} (${ago(at)})`;
}

function scopeOf(service: string | null): string {
  if (service === null) return '';
  return service === '' ? ' at the device level' : ` at ${service}`;
}

function validity(notAfter: string | null): string {
  if (notAfter === null) return 'validity unknown';
  const has = Date.parse(notAfter) < Date.now() ? 'expired' : 'valid until';
  return `${has} ${when(notAfter)}`;
}

/** Names the CA, if the CA has signed the certificate. */
function signedBy({ issuer }: { issuer: 'self' | 'ca' }): string {
  return issuer === 'ca' ? ', signed by the CA' : '';
}
