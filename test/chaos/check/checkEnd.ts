import { services } from '../plan/Plan.js';
import { checkCredentials } from './checkCredentials.js';
import { type DeviceEvidence, holdsOurs, type View, type Violation } from './Evidence.js';

/** Failures through bad luck: several runs died or got no answer in time. */
const misfortunes = [
  'timed-out',
  'balena-unavailable',
  'hub-unavailable',
  'unexpected',
  'worker-died',
  'balena-conflict',
  'hub-conflict',
];

/** Checks that every accepted request has ended in the only right way, and that state, dead letter, hub and balena agree. */
export function checkEnd(evidence: DeviceEvidence): Violation[] {
  const { device, view, deadLetters, identity, variables } = evidence;
  if (!view) return [];
  const { uuid } = device;
  const ends = (what: string): Violation => ({ uuid, rule: 'ends', what });

  if (view.state === 'failed') {
    const code = view.error?.code ?? 'no error';
    const found: Violation[] = [];
    if (![...misfortunes, hopeless(evidence, view)].includes(code)) found.push(ends(`failed with ${code}`));
    const own = deadLetters.filter(({ requestId }) => requestId === view.requestId);
    // Messages are delivered at least once: after the death of a worker, one request can leave two dead letters.
    // A request for a device that balena never had leaves no dead letter.
    if (own.length === 0 && code !== 'device-not-found') found.push(ends('failed, and has no dead letter'));
    for (const { reason } of own)
      if (reason !== code) found.push(ends(`failed with ${code}, and its dead letter says ${reason}`));
    if (code === 'device-not-found' && identity)
      found.push(ends('balena does not know it, and the hub lets it in'));
    return found;
  }
  if (view.operation === 'deprovision') {
    if (view.state !== 'deprovisioned') return [ends(`was to be deprovisioned, and is ${view.state}`)];
    const left = Object.entries(variables ?? {}).filter(([, values]) => holdsOurs(values));
    return [
      ...(identity ? ['is deprovisioned, and has a hub identity'] : []),
      ...left.map(([scope]) => `is deprovisioned, and has variables at "${scope}"`),
    ].map((what) => ({ uuid, rule: 'deprovisioned', what }));
  }
  if (view.state !== 'provisioned') return [ends(`was to be provisioned, and is ${view.state}`)];
  if (hopeless(evidence, view))
    return [ends(`is provisioned, where it had to fail: ${hopeless(evidence, view)}`)];
  return checkCredentials(evidence, view.service ?? '').map((what) => ({ uuid, rule: 'provisioned', what }));
}

/** Explains why a request can only fail; undefined if the request can succeed. */
function hopeless({ device }: DeviceEvidence, { operation, service }: View): string | undefined {
  if (operation === 'deprovision') return undefined;
  if (!device.exists) return 'device-not-found';
  return ['', ...services].includes(service ?? '') ? undefined : 'service-not-found';
}
