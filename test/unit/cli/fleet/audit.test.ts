import { type AuditOptions, type AuditProgress, audit } from '../../../../cli/fleet/audit.js';
import { findingKinds } from '../../../../cli/fleet/finding.js';
import { repair } from '../../../../cli/fleet/repair.js';
import { type Credentials, minter } from '../../../../src/certificates/mint.js';
import { readCertificate } from '../../../../src/certificates/read.js';
import type { DeviceRecord, Observed } from '../../../../src/device/record.js';
import { accept } from '../../../../src/provisioning/accept.js';
import { collect } from '../../../support/collect.js';
import {
  credentialsOf,
  day,
  fleet,
  fleetDependencies,
  longAgo,
  now,
  provisionedRecord,
  uuidOf,
} from '../../../support/fleetTools.js';

const options: AuditOptions = { fleets: [fleet], service: 'main', renewAt: 0.8 };
const uuid = uuidOf(1);
const own = await credentialsOf(uuid);
const next = await credentialsOf(uuid);
const expiring = await credentialsOf(uuid, now - 96 * day);
const due = await credentialsOf(uuid, now - 93 * day);
const expired = await credentialsOf(uuid, now - 101 * day);
const inMain = ({ certificate }: Credentials) => ({ main: certificate });
const unknownThumbprint = 'E'.repeat(64);
const sha1 = readCertificate(own.certificate, uuid)!.parsed.fingerprint.replaceAll(':', '');
const accepted = [own.thumbprint];
const dead = { generation: 1, due: longAgo, dead: { at: longAgo } };

type Given = {
  certificates?: Record<string, string> | null;
  /** Certificates in services of other applications, by service. */
  foreign?: Record<string, string | null>;
  record?: Partial<Omit<DeviceRecord, 'observed'>> & {
    observed?: Partial<Observed>;
    credentials?: Credentials;
  };
  identity?: string[];
};

async function system({ certificates, foreign = {}, record, identity }: Given) {
  const made = fleetDependencies();
  if (certificates) made.add(uuid, certificates, fleet, foreign);
  if (identity) made.identities.set(uuid, identity);
  if (record) {
    const { observed = {}, credentials = own, ...more } = record;
    made.clock.at = longAgo;
    await made.put(provisionedRecord(uuid, credentials, observed, more));
    made.clock.at = now;
  }
  return made;
}
const ownKeyThumbprint = 'C'.repeat(64);
const ownKey = {
  desired: {
    ...{ present: true, service: null, requestId: 'r', requestedAt: longAgo },
    own: {
      key: ownKeyThumbprint,
      thumbprint: ownKeyThumbprint,
      before: null,
      notBefore: 0,
      notAfter: 0,
      keyAlgorithm: 'ec-p256',
    },
  },
  observed: {
    ...{ thumbprint: ownKeyThumbprint, previous: own.thumbprint, service: null },
    hub: [ownKeyThumbprint, ownKeyThumbprint] as [string, string],
  },
  scopes: [],
} satisfies Given['record'];
const absent: Given['record'] = {
  desired: { present: false, service: null, requestId: 'r', requestedAt: longAgo },
  observed: { thumbprint: null, service: null, hub: 'none' },
  scopes: [],
};

type Case = [what: string, given: Given, findings: [kind: string, fix: string][]];
const cases: Case[] = [
  ['hub, record and balena agree', { certificates: inMain(own), record: {}, identity: accepted }, []],
  [
    'the old certificate is still accepted',
    {
      certificates: inMain(own),
      record: { observed: { previous: unknownThumbprint } },
      identity: [own.thumbprint, unknownThumbprint],
    },
    [],
  ],
  [
    'a certificate is in a service of another application',
    { certificates: inMain(own), foreign: inMain(next), record: {}, identity: accepted },
    [['variables-in-foreign-service', 'check']],
  ],
  [
    'the only certificate is in a service of another application',
    { certificates: {}, foreign: inMain(own), record: {}, identity: accepted },
    [
      ['variables-in-foreign-service', 'check'],
      ['variables-missing', 'check'],
    ],
  ],
  [
    'a deprovisioned device has a certificate in a service of another application',
    { certificates: {}, foreign: inMain(own), record: absent },
    [['variables-in-foreign-service', 'check']],
  ],
  [
    'a device without a record has a certificate in a service of another application',
    { certificates: {}, foreign: inMain(own) },
    [['variables-in-foreign-service', 'adopt']],
  ],
  [
    'a service of another application has a key without a certificate',
    { certificates: inMain(own), foreign: { main: null }, record: {}, identity: accepted },
    [['variables-in-foreign-service', 'check']],
  ],
  [
    'a service of another application has a certificate of another subject',
    { certificates: inMain(own), foreign: { main: 'other' }, record: {}, identity: accepted },
    [],
  ],
  ['a new device has no credentials yet', { certificates: {} }, []],
  ['a deprovisioned device is clean', { certificates: {}, record: absent }, []],
  ['a deprovisioned device is missing', { certificates: null, record: absent }, []],
  [
    'an identity has no record',
    { certificates: inMain(own), identity: accepted },
    [['identity-without-record', 'adopt']],
  ],
  [
    'an identity with an old SHA-1 thumbprint has no record',
    { certificates: inMain(own), identity: [sha1] },
    [['identity-without-record', 'adopt']],
  ],
  [
    'an identity has no record, and the device has no credentials',
    { certificates: {}, identity: [unknownThumbprint] },
    [['identity-without-record', 'adopt']],
  ],
  [
    'a disabled identity has no record',
    { certificates: {}, identity: [] },
    [['identity-without-record', 'by-hand']],
  ],
  [
    'an identity has neither device nor record',
    { identity: [unknownThumbprint] },
    [['identity-without-device', 'remove-unknown']],
  ],
  [
    'a disabled identity has neither device nor record',
    { identity: [] },
    [['identity-without-device', 'by-hand']],
  ],
  [
    'the device of an identity is missing',
    { record: {}, identity: accepted },
    [['identity-without-device', 'check']],
  ],
  [
    'a deprovisioned device has an identity',
    { certificates: {}, record: absent, identity: [unknownThumbprint] },
    [['identity-not-wanted', 'check']],
  ],
  [
    'a missing deprovisioned device has an identity',
    { record: absent, identity: [unknownThumbprint] },
    [['identity-not-wanted', 'check']],
  ],
  [
    'a deprovisioned device holds a certificate',
    { certificates: inMain(own), record: absent },
    [['variables-not-wanted', 'check']],
  ],
  [
    'the identity is missing',
    { certificates: inMain(own), record: {} },
    [['variables-without-identity', 'check']],
  ],
  [
    'identity and record are missing',
    { certificates: { relay: own.certificate } },
    [['variables-without-identity', 'adopt']],
  ],
  [
    'the identity has another thumbprint',
    {
      certificates: inMain(own),
      record: { observed: { previous: next.thumbprint } },
      identity: [next.thumbprint],
    },
    [['variables-not-accepted', 'check']],
  ],
  [
    'the identity is disabled',
    { certificates: inMain(own), record: {}, identity: [] },
    [['variables-not-accepted', 'by-hand']],
  ],
  [
    'the identity is disabled, and the certificate has expired',
    { certificates: inMain(expired), record: { credentials: expired }, identity: [] },
    [
      ['variables-not-accepted', 'by-hand'],
      ['certificate-expired', 'by-hand'],
    ],
  ],
  [
    'the identity is disabled, and the variables are missing',
    { certificates: {}, record: {}, identity: [] },
    [['variables-missing', 'by-hand']],
  ],
  [
    'the identity is disabled, and the variables contain another pair',
    { certificates: inMain(next), record: {}, identity: [] },
    [
      ['variables-differ', 'by-hand'],
      ['variables-not-accepted', 'by-hand'],
    ],
  ],
  [
    'a disabled identity has no record, and the certificate has expired',
    { certificates: inMain(expired), identity: [] },
    [
      ['identity-without-record', 'by-hand'],
      ['certificate-expired', 'by-hand'],
    ],
  ],
  [
    'the device of a disabled identity is missing',
    { record: {}, identity: [] },
    [['identity-without-device', 'by-hand']],
  ],
  [
    'a deprovisioned device has a disabled identity',
    { certificates: {}, record: absent, identity: [] },
    [['identity-not-wanted', 'by-hand']],
  ],
  [
    'the device of a failed request is missing, and the identity is disabled',
    { record: { job: dead }, identity: [] },
    [['dead-record-without-device', 'by-hand']],
  ],
  [
    'the variables are missing',
    { certificates: {}, record: {}, identity: accepted },
    [['variables-missing', 'check']],
  ],
  [
    'the variables contain another pair',
    { certificates: inMain(next), record: {}, identity: [own.thumbprint, next.thumbprint] },
    [['variables-differ', 'check']],
  ],
  [
    'the secondary thumbprint is unknown',
    { certificates: inMain(own), record: {}, identity: [own.thumbprint, unknownThumbprint] },
    [['thumbprint-not-held', 'retire']],
  ],
  [
    'the device has an own key, and the hub does not accept its certificate',
    { certificates: {}, record: ownKey, identity: [unknownThumbprint] },
    [
      ['own-key-not-accepted', 'check'],
      ['thumbprint-not-held', 'retire'],
    ],
  ],
  [
    'the device has an own key, and still has variables',
    { certificates: inMain(own), record: ownKey, identity: [ownKeyThumbprint, own.thumbprint] },
    [['variables-not-wanted', 'check']],
  ],
  [
    'the device has an own key whose certificate expires soon',
    {
      certificates: {},
      record: {
        ...ownKey,
        credentials: expiring,
        observed: { ...ownKey.observed, thumbprint: ownKeyThumbprint },
      },
      identity: [ownKeyThumbprint],
    },
    [['certificate-expiring', 'by-hand']],
  ],
  [
    'the certificate expires soon',
    { certificates: inMain(expiring), record: { credentials: expiring }, identity: [expiring.thumbprint] },
    [['certificate-expiring', 'check']],
  ],
  [
    'the certificate is due, and its renewal may take until tomorrow',
    { certificates: inMain(due), record: { credentials: due }, identity: [due.thumbprint] },
    [],
  ],
  [
    'the certificate has expired',
    { certificates: inMain(expired), record: { credentials: expired }, identity: [expired.thumbprint] },
    [['certificate-expired', 'check']],
  ],
  ['device and identity are missing', { record: {} }, [['record-without-device', 'check']]],
  [
    'the device is missing, and the record says removed',
    { record: { observed: { thumbprint: null, hub: 'none' } } },
    [['record-without-device', 'remove']],
  ],
  [
    'the device of a failed request is missing',
    { record: { job: dead }, identity: [unknownThumbprint] },
    [['dead-record-without-device', 'remove']],
  ],
  [
    'the device of a failed request has no known fleet, but an identity',
    { record: { job: dead, observed: { fleet: null } }, identity: [unknownThumbprint] },
    [['dead-record-without-device', 'remove-unknown']],
  ],
  [
    'the device of a failed request has no known fleet',
    { record: { job: dead, observed: { fleet: null } } },
    [['dead-record-without-device', 'remove']],
  ],
  [
    'a failed request left a device without an identity',
    { certificates: inMain(own), record: { job: dead } },
    [['variables-without-identity', 'check']],
  ],
  [
    'a cancelled request left a device without an identity',
    { certificates: inMain(own), record: { job: { ...dead, dead: { at: longAgo, cancelled: true } } } },
    [['variables-without-identity', 'by-hand']],
  ],
];

test.each(cases)('an audit: %s', async (_, given, findings) => {
  const { deps, sent } = await system(given);
  const found = await collect(audit(deps, options));
  expect(found.map(({ kind, fix }) => [kind, fix.how])).toEqual(findings);
  expect(found.every((finding) => finding.uuid === uuid)).toBe(true);
  expect(sent).toEqual([]);
});

test('the cases cover every kind of finding', () => {
  const found = new Set(cases.flatMap(([, , findings]) => findings.map(([kind]) => kind)));
  expect([...found].sort()).toEqual([...findingKinds].sort());
});

describe('an audit does not judge', () => {
  const broken: Given = { certificates: {}, record: {}, identity: accepted };
  let progress: AuditProgress;
  const settings = { ...options, onProgress: (each: AuditProgress) => (progress = each) };

  test.each<[string, Given]>([
    ['a device with a pending change', { ...broken, record: { job: { generation: 3, due: now } } }],
    ['a device with a pending check', { ...broken, record: { check: { generation: 3, due: now } } }],
    [
      'a device with a lease',
      {
        ...broken,
        record: { lease: { by: 'w', until: now + 1_000, generation: 0, lateUntil: now + 1_000 } },
      },
    ],
  ])('%s', async (_, given) => {
    const { deps } = await system(given);
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.unsettled).toBe(1);
  });

  test('a record with a change shortly before the audit, because hub queries may be minutes old', async () => {
    const { deps, clock, put, record } = await system(broken);
    clock.at = now - 9 * 60_000;
    await put(await record(uuid));
    clock.at = now;
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.unsettled).toBe(1);
    clock.at = now + 2 * 60_000;
    expect(await collect(audit(deps, settings))).toHaveLength(1);
  });

  test('a device with a new request during the audit', async () => {
    const { deps, put } = await system({ certificates: inMain(own), identity: accepted });
    const { summaries } = deps.records;
    deps.records.summaries = async function* (where) {
      yield* await collect(summaries(where));
      await put(provisionedRecord(uuid, own));
    };
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.unsettled).toBe(1);
  });

  test('a device in another fleet', async () => {
    const { deps, add } = await system({ record: {}, identity: accepted });
    add(uuid, inMain(own), 'other/fleet');
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.inOtherFleet).toBe(1);
  });

  test('identities with names other than balena UUIDs', async () => {
    const { deps, identities } = await system({});
    identities.set('gateway-7', [unknownThumbprint]);
    identities.set('AB'.repeat(16), [unknownThumbprint]);
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.foreignIdentities).toBe(2);
  });
});

test('without fleets, all fleets of the key are compared', async () => {
  const { deps, add } = await system({ record: {}, identity: accepted });
  add(uuid, inMain(own), 'other/fleet');
  expect(await collect(audit(deps, { ...options, fleets: null }))).toEqual([]);
});

test('the hub is queried within its rate limit', async () => {
  const { deps, identities, add, put, clock, queries } = await system({});
  const mint = minter({ days: 100 });
  for (let index = 0; index < 7; index += 1) {
    const pair = await mint(uuidOf(index), now - day);
    add(uuidOf(index), inMain(pair));
    identities.set(uuidOf(index), [pair.thumbprint]);
    clock.at = longAgo;
    await put(provisionedRecord(uuidOf(index), pair));
  }
  clock.at = now;
  expect(await collect(audit(deps, options))).toEqual([]);
  expect(queries()).toBe(4);
  // 20 queries a minute.
  expect(clock.now()).toBe(now + 3 * 3_000);
});

test('balena is queried about missing devices, a hundred at a time', async () => {
  const { deps, identities, requests, devices } = await system({});
  for (let index = 0; index < 250; index += 1) {
    identities.set(uuidOf(index), [unknownThumbprint]);
    // Half of the devices are in another fleet.
    if (index % 2 === 0)
      devices.set(uuidOf(index), {
        uuid: uuidOf(index),
        fleet: 'other/fleet',
        certificates: new Map(),
        foreignCertificates: [],
      });
  }
  let progress: AuditProgress | undefined;
  const onProgress = (each: AuditProgress) => {
    progress = each;
  };
  const found = await collect(audit({ ...deps, queriesPerMinute: 1e6 }, { ...options, onProgress }));
  expect(found).toHaveLength(125);
  expect(progress).toMatchObject({ inOtherFleet: 125, findings: { 'identity-without-device': 125 } });
  expect(requests.filter((each) => each.startsWith('fleetsOf'))).toEqual([
    'fleetsOf 100',
    'fleetsOf 100',
    'fleetsOf 50',
  ]);
});

test('an audit stops on the signal', async () => {
  const { deps } = await system({ record: {}, identity: accepted });
  const ended = collect(audit(deps, { ...options, signal: AbortSignal.abort() }));
  await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
});

describe('a repair', () => {
  async function repaired(given: Given) {
    const made = await system(given);
    const [finding] = await collect(audit(made.deps, options));
    return { ...made, finding: finding!, result: await repair(made.deps, finding!) };
  }

  test('requests a check that also reads the identity', async () => {
    const { result, requested } = await repaired({ certificates: inMain(own), record: {} });
    expect(result).toBe('requested');
    expect(await requested()).toEqual([`${uuid} check forceVerify`]);
  });

  test('adopts a device with its present scope, except after a newer request', async () => {
    const given = { certificates: { relay: own.certificate }, identity: accepted };
    const { result, record, finding, deps } = await repaired(given);
    expect(result).toBe('requested');
    expect((await record(uuid)).desired).toMatchObject({ present: true, service: 'relay' });
    const { requestId } = (await record(uuid)).desired;
    expect(await repair(deps, finding)).toBe('outdated');
    expect((await record(uuid)).desired.requestId).toBe(requestId);
  });

  test('deprovisions a missing device', async () => {
    const { result, record, sent } = await repaired({ record: { job: dead } });
    expect(result).toBe('requested');
    expect((await record(uuid)).desired.present).toBe(false);
    expect(sent).toHaveLength(1);
  });

  /** The finding before the repair. */
  async function found(given: Given) {
    const made = await system(given);
    const [finding] = await collect(audit(made.deps, options));
    return { ...made, finding: finding! };
  }

  test('does nothing if balena knows the device again', async () => {
    const { finding, deps, add, sent } = await found({ record: { job: dead } });
    add(uuid);
    expect(await repair(deps, finding)).toBe('outdated');
    expect(sent).toEqual([]);
  });

  test.each<[string, Given]>([
    ['check', { certificates: {}, record: {}, identity: accepted }],
    ['remove', { record: { job: dead } }],
    ['retire', { certificates: inMain(own), record: {}, identity: [own.thumbprint, unknownThumbprint] }],
    ['remove-unknown', { identity: [unknownThumbprint] }],
    ['adopt', { certificates: inMain(own), identity: accepted }],
  ])('does nothing after a newer request (%s)', async (how, given) => {
    const { finding, deps, sent, record } = await found(given);
    expect(finding.fix.how).toBe(how);
    await accept(deps, { uuid, present: true, service: 'other' });
    await accept(deps, { uuid, present: false });
    const { requestId } = (await record(uuid)).desired;
    sent.length = 0;
    expect(await repair(deps, finding, { removeUnknown: true })).toBe('outdated');
    expect(sent).toEqual([]);
    expect((await record(uuid)).desired).toMatchObject({ present: false, requestId });
  });

  test('removes an identity without device and record only with removeUnknown', async () => {
    const { result, record, finding, deps, sent } = await repaired({ identity: [unknownThumbprint] });
    expect(result).toBe('by-hand');
    expect(sent).toEqual([]);
    expect(await repair(deps, finding, { removeUnknown: true })).toBe('requested');
    expect((await record(uuid)).desired.present).toBe(false);
  });

  test('leaves a record for an operator if the key does not see the fleet any more', async () => {
    const { finding, deps, sent, hide } = await found({ record: { job: dead } });
    hide(fleet);
    expect(await repair(deps, finding, { removeUnknown: true })).toBe('by-hand');
    expect(sent).toEqual([]);
  });

  test('retires an unknown thumbprint, also a second time', async () => {
    const given = { certificates: inMain(own), record: {}, identity: [own.thumbprint, unknownThumbprint] };
    const { result, record, deps, put, clock } = await repaired(given);
    expect(result).toBe('requested');
    const requested = await record(uuid);
    expect(requested.desired).toMatchObject({
      service: 'main',
      retire: [unknownThumbprint],
      revoke: [unknownThumbprint],
    });
    expect(requested.job).toMatchObject({ forceVerify: true });
    await put({ ...requested, job: null });
    clock.at += day;
    const [again] = await collect(audit(deps, options));
    expect(again).toMatchObject({ kind: 'thumbprint-not-held' });
    expect(await repair(deps, again!)).toBe('requested');
    expect((await record(uuid)).check).toMatchObject({ forceVerify: true });
  });

  test('leaves a disabled identity for an operator', async () => {
    const { result, sent } = await repaired({ certificates: inMain(own), record: {}, identity: [] });
    expect(result).toBe('by-hand');
    expect(sent).toEqual([]);
  });
});
