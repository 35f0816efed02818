import { minter } from '../../../src/certificates/mint.js';
import type { DeviceEvidence, View } from '../check/Evidence.js';
import type { Ask, Outcome } from '../history/Ask.js';

export const uuid = 'ab'.repeat(16);
export const device = { uuid, exists: true };

export const accepted = (requestId: string, operation = 'provision'): Outcome => ({
  kind: 'accepted',
  requestId,
  operation,
});
export const unknown: Outcome = { kind: 'unknown', why: 'the connection was reset' };
export const unsent: Outcome = { kind: 'unsent', why: 'connect ECONNREFUSED' };
export const refused = (status: number, code: string): Outcome => ({ kind: 'refused', status, code });

/** A POST for a service. */
export function post(service: string, outcome: Outcome, sentAt: number, answeredAt = sentAt + 10): Ask {
  return { wish: { uuid, operation: 'provision', service }, sentAt, answeredAt, outcome };
}

/** A DELETE. */
export function del(outcome: Outcome, sentAt: number, answeredAt = sentAt + 10): Ask {
  return { wish: { uuid, operation: 'deprovision' }, sentAt, answeredAt, outcome };
}

export function view(state: string, requestId: string, service: string | null, code?: string): View {
  const operation = service === null ? 'deprovision' : 'provision';
  return { state, requestId, operation, service, error: code === undefined ? null : { code } };
}

const mint = minter();
const pair = await mint(uuid, Date.now());
const other = await mint(uuid, Date.now());
const strangers = await mint('cd'.repeat(16), Date.now());
const variablesOf = ({ certificate, privateKey }: typeof pair) => ({
  AZURE_CERT: certificate,
  AZURE_PRIVATE_KEY: privateKey,
});
export const credentials = {
  own: variablesOf(pair),
  /** Another pair of the same device. */
  other: variablesOf(other),
  strangers: variablesOf(strangers),
  thumbprint: pair.thumbprint,
  otherThumbprint: other.thumbprint,
  strangersThumbprint: strangers.thumbprint,
};

/** A device with one request, for main, in the right state. */
export function wellProvisioned(changes: Partial<DeviceEvidence> = {}): DeviceEvidence {
  return {
    device,
    asks: [post('main', accepted('A'), 0)],
    view: view('provisioned', 'A', 'main'),
    deadLetters: [],
    identity: { enabled: true, thumbprints: [pair.thumbprint] },
    variables: { '': {}, main: credentials.own, 'cloud-relay': {} },
    ...changes,
  };
}

/** A deprovisioned device in the right state. */
export function wellDeprovisioned(changes: Partial<DeviceEvidence> = {}): DeviceEvidence {
  return {
    ...wellProvisioned(),
    asks: [post('main', accepted('A'), 0), del(accepted('B', 'deprovision'), 100)],
    view: view('deprovisioned', 'B', null),
    identity: null,
    variables: { '': {}, main: { OTHER: 'kept' }, 'cloud-relay': {} },
    ...changes,
  };
}

/** A device with a request for a service that does not exist, in the right state. */
export function wellFailed(changes: Partial<DeviceEvidence> = {}): DeviceEvidence {
  return {
    ...wellProvisioned(),
    asks: [post('no-such-service', accepted('A'), 0)],
    view: view('failed', 'A', 'no-such-service', 'service-not-found'),
    deadLetters: [{ uuid, requestId: 'A', reason: 'service-not-found' }],
    identity: null,
    variables: { '': {}, main: {}, 'cloud-relay': {} },
    ...changes,
  };
}
