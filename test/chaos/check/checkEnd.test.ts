import {
  credentials,
  device,
  uuid,
  view,
  wellDeprovisioned,
  wellFailed,
  wellProvisioned,
} from '../doctored/histories.js';
import { checkEnd } from './checkEnd.js';
import type { DeviceEvidence } from './Evidence.js';

const { own, other, strangers, thumbprint, otherThumbprint, strangersThumbprint } = credentials;
const wrong = (evidence: DeviceEvidence) => checkEnd(evidence).map(({ what }) => what);
const identity = (...thumbprints: string[]) => ({ enabled: true, thumbprints });
const unknownDevice = { device: { uuid, exists: false }, variables: null };

describe('an end is taken for right:', () => {
  test.each<[string, DeviceEvidence]>([
    ['provisioned', wellProvisioned()],
    ['provisioned, in the second slot', wellProvisioned({ identity: identity(otherThumbprint, thumbprint) })],
    [
      'provisioned, with the dead letter of an earlier failure',
      wellProvisioned({ deadLetters: wellFailed().deadLetters }),
    ],
    ['deprovisioned', wellDeprovisioned()],
    ['deprovisioned, unknown to balena', wellDeprovisioned(unknownDevice)],
    ['failed, since there is no such service', wellFailed()],
    [
      'failed, with two dead letters',
      wellFailed({ deadLetters: [...wellFailed().deadLetters, ...wellFailed().deadLetters] }),
    ],
    ['failed, and the credentials of before are still there', wellFailed({ identity: identity(thumbprint) })],
    [
      'failed by bad luck',
      wellFailed({
        view: view('failed', 'A', 'main', 'timed-out'),
        deadLetters: [{ uuid, requestId: 'A', reason: 'timed-out' }],
      }),
    ],
    ['never asked for', wellProvisioned({ view: null, identity: null, variables: {} })],
  ])('%s', (_, evidence) => {
    expect(wrong(evidence)).toEqual([]);
  });
});

describe('an end is found wrong when', () => {
  test.each<[string, DeviceEvidence, RegExp]>([
    ['a request is still queued', wellProvisioned({ view: view('queued', 'A', 'main') }), /is queued/],
    ['a removal is still tried', wellDeprovisioned({ view: view('retrying', 'B', null) }), /is retrying/],
    ['it failed without a dead letter', wellFailed({ deadLetters: [] }), /no dead letter/],
    [
      'its dead letter is that of another request',
      wellFailed({ deadLetters: [{ uuid, requestId: 'Z', reason: '' }] }),
      /no dead letter/,
    ],
    [
      'one of two dead letters gives another reason',
      wellFailed({
        deadLetters: [...wellFailed().deadLetters, { uuid, requestId: 'A', reason: 'hub-throttled' }],
      }),
      /says hub-throttled/,
    ],
    [
      'its dead letter gives another reason',
      wellFailed({ deadLetters: [{ uuid, requestId: 'A', reason: 'MaxDeliveryCountExceeded' }] }),
      /MaxDeliveryCount/,
    ],
    [
      'a device that is there is said not to be',
      wellFailed({ view: view('failed', 'A', 'main', 'device-not-found') }),
      /failed with device-not-found/,
    ],
    [
      'a service that is there is said not to be',
      wellFailed({ view: view('failed', 'A', '', 'service-not-found') }),
      /failed with service/,
    ],
    [
      'it failed for what is only retried',
      wellFailed({ view: view('failed', 'A', 'x', 'hub-throttled') }),
      /hub-throttled/,
    ],
    [
      'a service that is not there is provisioned',
      wellProvisioned({ view: view('provisioned', 'A', 'x') }),
      /had to fail/,
    ],
    [
      'a device that is not there is provisioned',
      wellProvisioned({ device: { uuid, exists: false } }),
      /had to fail/,
    ],
    [
      'a device that balena does not know is let in',
      wellFailed({
        ...unknownDevice,
        view: view('failed', 'A', 'main', 'device-not-found'),
        deadLetters: [{ uuid, requestId: 'A', reason: 'device-not-found' }],
        identity: identity(thumbprint),
      }),
      /lets it in/,
    ],
    [
      'a removed device has an identity',
      wellDeprovisioned({ identity: identity(thumbprint) }),
      /has a hub identity/,
    ],
    [
      'a removed device has variables',
      wellDeprovisioned({ variables: { main: own } }),
      /variables at "main"/,
    ],
    [
      'a removed device has one variable',
      wellDeprovisioned({ variables: { '': { AZURE_CERT: '' } } }),
      /at ""/,
    ],
  ])('%s', (_, evidence, what) => {
    expect(wrong(evidence)).toContainEqual(expect.stringMatching(what));
  });
});

describe('credentials are found wrong when', () => {
  const at = (main: Record<string, string>, more: Partial<DeviceEvidence> = {}) =>
    wellProvisioned({ variables: { '': {}, main, 'cloud-relay': {} }, ...more });

  test.each<[string, DeviceEvidence, RegExp]>([
    ['they are missing', at({}), /missing/],
    ['half of them is missing', at({ AZURE_CERT: own.AZURE_CERT }), /missing/],
    ['they are elsewhere', wellProvisioned({ variables: { '': own, main: {} } }), /missing/],
    ['they are left elsewhere, too', wellProvisioned({ variables: { '': other, main: own } }), /left at ""/],
    [
      'half of others is left elsewhere',
      wellProvisioned({ variables: { '': { AZURE_CERT: 'x' }, main: own } }),
      /left/,
    ],
    [
      'the key is of another certificate',
      at({ ...own, AZURE_PRIVATE_KEY: other.AZURE_PRIVATE_KEY }),
      /not that of the certificate/,
    ],
    ['the hub accepts another certificate', at(other), /does not accept/],
    ['the hub has no identity', at(own, { identity: null }), /no enabled identity/],
    [
      'the identity is disabled',
      at(own, { identity: { enabled: false, thumbprints: [thumbprint] } }),
      /enabled/,
    ],
    [
      'they are for another device',
      at(strangers, { identity: identity(strangersThumbprint) }),
      /is for CN=cdcd/,
    ],
    [
      'they are nothing of the kind',
      at({ AZURE_CERT: 'abc', AZURE_PRIVATE_KEY: 'abc' }),
      /not a certificate/,
    ],
  ])('%s', (_, evidence, what) => {
    expect(wrong({ ...evidence, device })).toContainEqual(expect.stringMatching(what));
  });
});
