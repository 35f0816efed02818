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
const of = ({ certificate }: Credentials) => ({ main: certificate });
const stray = 'E'.repeat(64);
const sha1 = readCertificate(own.certificate, uuid)!.parsed.fingerprint.replaceAll(':', '');
const accepted = [own.thumbprint];
const dead = { generation: 1, kind: 'change' as const, due: longAgo, dead: { at: longAgo } };

type Given = {
  certificates?: Record<string, string> | null;
  record?: Partial<Omit<DeviceRecord, 'observed'>> & {
    observed?: Partial<Observed>;
    credentials?: Credentials;
  };
  identity?: string[];
};

async function system({ certificates, record, identity }: Given) {
  const made = fleetDependencies();
  if (certificates) made.add(uuid, certificates);
  if (identity) made.identities.set(uuid, identity);
  if (record) {
    const { observed = {}, credentials = own, ...more } = record;
    made.clock.at = longAgo;
    await made.put(provisionedRecord(uuid, credentials, observed, more));
    made.clock.at = now;
  }
  return made;
}
const absent: Given['record'] = {
  desired: { present: false, service: null, requestId: 'r', requestedAt: longAgo },
  observed: { thumbprint: null, service: null, hub: 'none' },
  scopes: [],
};

type Case = [what: string, given: Given, findings: [kind: string, fix: string][]];
const cases: Case[] = [
  ['all three agree', { certificates: of(own), record: {}, identity: accepted }, []],
  [
    'the old certificate is still accepted',
    { certificates: of(own), record: { observed: { previous: stray } }, identity: [own.thumbprint, stray] },
    [],
  ],
  ['a new device holds nothing yet', { certificates: {} }, []],
  ['a deprovisioned device is clean', { certificates: {}, record: absent }, []],
  ['a deprovisioned device is gone', { certificates: null, record: absent }, []],
  [
    'no record knows the identity',
    { certificates: of(own), identity: accepted },
    [['identity-without-record', 'adopt']],
  ],
  [
    'no record knows the identity, of which the thumbprint is the old SHA-1',
    { certificates: of(own), identity: [sha1] },
    [['identity-without-record', 'adopt']],
  ],
  [
    'no record knows the identity, and the device holds nothing',
    { certificates: {}, identity: [stray] },
    [['identity-without-record', 'adopt']],
  ],
  [
    'no record knows the identity, which is not ours',
    { certificates: {}, identity: [] },
    [['identity-without-record', 'by-hand']],
  ],
  [
    'nobody knows the device of an identity',
    { identity: [stray] },
    [['identity-without-device', 'remove-unknown']],
  ],
  [
    'nobody knows the device of an identity that is not ours',
    { identity: [] },
    [['identity-without-device', 'by-hand']],
  ],
  [
    'the device of an identity is gone',
    { record: {}, identity: accepted },
    [['identity-without-device', 'check']],
  ],
  [
    'a deprovisioned device has an identity',
    { certificates: {}, record: absent, identity: [stray] },
    [['identity-not-wanted', 'check']],
  ],
  [
    'a deprovisioned device that is gone has an identity',
    { record: absent, identity: [stray] },
    [['identity-not-wanted', 'check']],
  ],
  [
    'a deprovisioned device holds a certificate',
    { certificates: of(own), record: absent },
    [['variables-not-wanted', 'check']],
  ],
  [
    'the identity is missing',
    { certificates: of(own), record: {} },
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
      certificates: of(own),
      record: { observed: { previous: next.thumbprint } },
      identity: [next.thumbprint],
    },
    [['variables-not-accepted', 'check']],
  ],
  [
    'the identity is disabled',
    { certificates: of(own), record: {}, identity: [] },
    [['variables-not-accepted', 'by-hand']],
  ],
  [
    'the identity is disabled, and the certificate has expired',
    { certificates: of(expired), record: { credentials: expired }, identity: [] },
    [
      ['variables-not-accepted', 'by-hand'],
      ['certificate-expired', 'by-hand'],
    ],
  ],
  [
    'the identity is disabled, and the variables are gone',
    { certificates: {}, record: {}, identity: [] },
    [['variables-missing', 'by-hand']],
  ],
  [
    'the identity is disabled, and the variables are of another pair',
    { certificates: of(next), record: {}, identity: [] },
    [
      ['variables-differ', 'by-hand'],
      ['variables-not-accepted', 'by-hand'],
    ],
  ],
  [
    'no record knows the identity, which is disabled, and the certificate has expired',
    { certificates: of(expired), identity: [] },
    [
      ['identity-without-record', 'by-hand'],
      ['certificate-expired', 'by-hand'],
    ],
  ],
  [
    'the device of an identity that is disabled is gone',
    { record: {}, identity: [] },
    [['identity-without-device', 'by-hand']],
  ],
  [
    'a deprovisioned device has an identity that is disabled',
    { certificates: {}, record: absent, identity: [] },
    [['identity-not-wanted', 'by-hand']],
  ],
  [
    'the device of a failed request is gone, and its identity is disabled',
    { record: { job: dead }, identity: [] },
    [['dead-record-without-device', 'by-hand']],
  ],
  [
    'the variables are gone',
    { certificates: {}, record: {}, identity: accepted },
    [['variables-missing', 'check']],
  ],
  [
    'the variables are of another pair',
    { certificates: of(next), record: {}, identity: [own.thumbprint, next.thumbprint] },
    [['variables-differ', 'check']],
  ],
  [
    'the second slot holds what no one holds',
    { certificates: of(own), record: {}, identity: [own.thumbprint, stray] },
    [['thumbprint-not-held', 'retire']],
  ],
  [
    'the certificate expires soon',
    { certificates: of(expiring), record: { credentials: expiring }, identity: [expiring.thumbprint] },
    [['certificate-expiring', 'check']],
  ],
  [
    'the certificate is due, and its renewal may take until tomorrow',
    { certificates: of(due), record: { credentials: due }, identity: [due.thumbprint] },
    [],
  ],
  [
    'the certificate has expired',
    { certificates: of(expired), record: { credentials: expired }, identity: [expired.thumbprint] },
    [['certificate-expired', 'check']],
  ],
  ['the device is gone, and so is its identity', { record: {} }, [['record-without-device', 'check']]],
  [
    'the device is gone, which its record knows',
    { record: { observed: { thumbprint: null, hub: 'none' } } },
    [['record-without-device', 'remove']],
  ],
  [
    'the device of a failed request is gone',
    { record: { job: dead }, identity: [stray] },
    [['dead-record-without-device', 'remove']],
  ],
  [
    'the device of a failed request was never seen, and has an identity',
    { record: { job: dead, observed: { fleet: null } }, identity: [stray] },
    [['dead-record-without-device', 'remove-unknown']],
  ],
  [
    'the device of a failed request was never seen',
    { record: { job: dead, observed: { fleet: null } } },
    [['dead-record-without-device', 'remove']],
  ],
  [
    'a failed request left a device without an identity',
    { certificates: of(own), record: { job: dead } },
    [['variables-without-identity', 'by-hand']],
  ],
];

test.each(cases)('an audit where %s', async (_, given, findings) => {
  const { deps, sent } = await system(given);
  const found = await collect(audit(deps, options));
  expect(found.map(({ kind, fix }) => [kind, fix.how])).toEqual(findings);
  expect(found.every((finding) => finding.uuid === uuid)).toBe(true);
  expect(sent).toEqual([]);
});

test('each kind of finding is among these', () => {
  const found = new Set(cases.flatMap(([, , findings]) => findings.map(([kind]) => kind)));
  expect([...found].sort()).toEqual([...findingKinds].sort());
});

describe('what is not settled is left for another time:', () => {
  const broken: Given = { certificates: {}, record: {}, identity: accepted };
  let progress: AuditProgress;
  const settings = { ...options, onProgress: (each: AuditProgress) => (progress = each) };

  test.each<[string, Given]>([
    ['what is under way', { ...broken, record: { job: { generation: 3, kind: 'change', due: now } } }],
    ['what is being checked', { ...broken, record: { job: { generation: 3, kind: 'check', due: now } } }],
    ['what a worker has under lease', { ...broken, record: { lease: { by: 'w', until: now + 1_000 } } }],
  ])('%s', async (_, given) => {
    const { deps } = await system(given);
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.unsettled).toBe(1);
  });

  test('what was changed since shortly before the hub was read, as its queries are minutes old', async () => {
    const { deps, clock, put, record } = await system(broken);
    clock.at = now - 9 * 60_000;
    await put(await record(uuid));
    clock.at = now;
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.unsettled).toBe(1);
    clock.at = now + 2 * 60_000;
    expect(await collect(audit(deps, settings))).toHaveLength(1);
  });

  test('what was asked for while the lists were read', async () => {
    const { deps, put } = await system({ certificates: of(own), identity: accepted });
    const { summaries } = deps.records;
    deps.records.summaries = async function* (where) {
      yield* await collect(summaries(where));
      await put(provisionedRecord(uuid, own));
    };
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.unsettled).toBe(1);
  });

  test('a device that is in a fleet that is not served', async () => {
    const { deps, add } = await system({ record: {}, identity: accepted });
    add(uuid, of(own), 'other/fleet');
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.elsewhere).toBe(1);
  });

  test('identities that are named otherwise than a balena device', async () => {
    const { deps, identities } = await system({});
    identities.set('gateway-7', [stray]);
    identities.set('AB'.repeat(16), [stray]);
    expect(await collect(audit(deps, settings))).toEqual([]);
    expect(progress.foreign).toBe(2);
  });
});

test('without fleets, all that the key sees is compared', async () => {
  const { deps, add } = await system({ record: {}, identity: accepted });
  add(uuid, of(own), 'other/fleet');
  expect(await collect(audit(deps, { ...options, fleets: null }))).toEqual([]);
});

test('the hub is asked no faster than it allows', async () => {
  const { deps, identities, add, put, clock, queries } = await system({});
  const mint = minter({ days: 100 });
  for (let generation = 0; generation < 7; generation += 1) {
    const pair = await mint(uuidOf(generation), now - day);
    add(uuidOf(generation), of(pair));
    identities.set(uuidOf(generation), [pair.thumbprint]);
    clock.at = longAgo;
    await put(provisionedRecord(uuidOf(generation), pair));
  }
  clock.at = now;
  expect(await collect(audit(deps, options))).toEqual([]);
  expect(queries()).toBe(4);
  // 20 a minute.
  expect(clock.now()).toBe(now + 3 * 3_000);
});

test('whether devices are really gone is asked of balena a hundred at a time', async () => {
  const { deps, identities, requests, devices } = await system({});
  for (let generation = 0; generation < 250; generation += 1) {
    identities.set(uuidOf(generation), [stray]);
    // Half of them are in a fleet that is not served.
    if (generation % 2 === 0)
      devices.set(uuidOf(generation), {
        uuid: uuidOf(generation),
        fleet: 'other/fleet',
        certificates: new Map(),
      });
  }
  let progress: AuditProgress | undefined;
  const onProgress = (each: AuditProgress) => {
    progress = each;
  };
  const found = await collect(audit({ ...deps, queriesPerMinute: 1e6 }, { ...options, onProgress }));
  expect(found).toHaveLength(125);
  expect(progress).toMatchObject({ elsewhere: 125, findings: { 'identity-without-device': 125 } });
  expect(requests.filter((each) => each.startsWith('fleetsOf'))).toEqual([
    'fleetsOf 100',
    'fleetsOf 100',
    'fleetsOf 50',
  ]);
});

test('it can be ended', async () => {
  const { deps } = await system({ record: {}, identity: accepted });
  const ended = collect(audit(deps, { ...options, signal: AbortSignal.abort() }));
  await expect(ended).rejects.toMatchObject({ name: 'AbortError' });
});

describe('a repair', () => {
  async function repaired(given: Given) {
    const made = await system(given);
    const [finding] = await collect(audit(made.deps, options));
    return { ...made, finding: finding!, did: await repair(made.deps, finding!) };
  }

  test('has a worker look, who asks the hub as well', async () => {
    const { did, requested } = await repaired({ certificates: of(own), record: {} });
    expect(did).toBe('requested');
    expect(await requested()).toEqual([`${uuid} check distrust`]);
  });

  test('adopts a device where it holds its credentials, unless it was asked for meanwhile', async () => {
    const given = { certificates: { relay: own.certificate }, identity: accepted };
    const { did, record, finding, deps } = await repaired(given);
    expect(did).toBe('requested');
    expect((await record(uuid)).desired).toMatchObject({ present: true, service: 'relay' });
    const { requestId } = (await record(uuid)).desired;
    expect(await repair(deps, finding)).toBe('not-any-more');
    expect((await record(uuid)).desired.requestId).toBe(requestId);
  });

  test('asks for the absence of what is gone', async () => {
    const { did, record, sent } = await repaired({ record: { job: dead } });
    expect(did).toBe('requested');
    expect((await record(uuid)).desired.present).toBe(false);
    expect(sent).toHaveLength(1);
  });

  /** The finding, not repaired yet. */
  async function found(given: Given) {
    const made = await system(given);
    const [finding] = await collect(audit(made.deps, options));
    return { ...made, finding: finding! };
  }

  test('leaves alone what balena knows again', async () => {
    const { finding, deps, add, sent } = await found({ record: { job: dead } });
    add(uuid);
    expect(await repair(deps, finding)).toBe('not-any-more');
    expect(sent).toEqual([]);
  });

  test.each<[string, Given]>([
    ['check', { certificates: {}, record: {}, identity: accepted }],
    ['remove', { record: { job: dead } }],
    ['retire', { certificates: of(own), record: {}, identity: [own.thumbprint, stray] }],
    ['remove-unknown', { identity: [stray] }],
    ['adopt', { certificates: of(own), identity: accepted }],
  ])('leaves alone what was asked for since the audit (%s)', async (how, given) => {
    const { finding, deps, sent, record } = await found(given);
    expect(finding.fix.how).toBe(how);
    await accept(deps, { uuid, present: true, service: 'other' });
    await accept(deps, { uuid, present: false });
    const { requestId } = (await record(uuid)).desired;
    sent.length = 0;
    expect(await repair(deps, finding, { removeUnknown: true })).toBe('not-any-more');
    expect(sent).toEqual([]);
    expect((await record(uuid)).desired).toMatchObject({ present: false, requestId });
  });

  test('removes an identity that neither balena nor a record knows only if that is said', async () => {
    const { did, record, finding, deps, sent } = await repaired({ identity: [stray] });
    expect(did).toBe('by-hand');
    expect(sent).toEqual([]);
    expect(await repair(deps, finding, { removeUnknown: true })).toBe('requested');
    expect((await record(uuid)).desired.present).toBe(false);
  });

  test('leaves a record alone of which the key does not see the fleet any more', async () => {
    const { finding, deps, sent, hide } = await found({ record: { job: dead } });
    hide(fleet);
    expect(await repair(deps, finding, { removeUnknown: true })).toBe('by-hand');
    expect(sent).toEqual([]);
  });

  test('has the hub stop to accept what no one holds; and again when it comes back', async () => {
    const given = { certificates: of(own), record: {}, identity: [own.thumbprint, stray] };
    const { did, record, deps, put, clock } = await repaired(given);
    expect(did).toBe('requested');
    const requested = await record(uuid);
    expect(requested.desired).toMatchObject({ service: 'main', retire: stray, revoke: true });
    expect(requested.job).toMatchObject({ kind: 'change', forceVerify: true });
    await put({ ...requested, job: null });
    clock.at += day;
    const [again] = await collect(audit(deps, options));
    expect(again).toMatchObject({ kind: 'thumbprint-not-held' });
    expect(await repair(deps, again!)).toBe('requested');
    expect((await record(uuid)).job).toMatchObject({ kind: 'check', forceVerify: true });
  });

  test('leaves to people what is for them', async () => {
    const { did, sent } = await repaired({ certificates: of(own), record: {}, identity: [] });
    expect(did).toBe('by-hand');
    expect(sent).toEqual([]);
  });
});
