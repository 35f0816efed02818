import { randomBytes } from 'node:crypto';
import { type AuditProgress, audit } from '../../cli/fleet/audit.js';
import { type Finding, type FindingKind, findingKinds } from '../../cli/fleet/finding.js';
import { repair } from '../../cli/fleet/repair.js';
import { minter } from '../../src/certificates/mint.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { holdPair } from './support/holdPair.js';
import { untilIdle } from './support/untilIdle.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem();
const { balena, hub } = system;
const app = appOf(system);
const mint = minter({ days: 100 });
const day = 86_400_000;
const options = { fleets: ['local/demo'], service: 'main', renewAt: 0.8 };
const randomThumbprint = () => randomBytes(32).toString('hex').toUpperCase();

let progress: AuditProgress;
async function findings(settleMs = 0): Promise<Finding[]> {
  const found: Finding[] = [];
  const onProgress = (each: AuditProgress) => {
    progress = each;
  };
  for await (const finding of audit(app, { ...options, settleMs, onProgress })) found.push(finding);
  return found;
}
async function deprovisioned(): Promise<string> {
  const uuid = await system.provisioned();
  await system.del(uuid);
  await system.state(uuid, 'deprovisioned');
  return uuid;
}
async function setPair(uuid: string, scope = 'main', bornDaysAgo = 1) {
  const pair = await mint(uuid, Date.now() - bornDaysAgo * day);
  await balena.setVariables(uuid, scope, {
    AZURE_CERT: pair.certificate,
    AZURE_PRIVATE_KEY: pair.privateKey,
  });
  return pair;
}
/** @returns a device that has made its own key, and the thumbprint of its certificate */
async function provisionedWithOwnKey(): Promise<{ uuid: string; thumbprint: string }> {
  const [device] = await balena.tell<{ uuid: string; apiKey: string }[]>('POST /devices', {});
  const { uuid = '', apiKey } = device ?? {};
  const { certificate, thumbprint } = await mint(uuid, Date.now());
  const { status } = await system.call('POST', '/api/provision', {
    key: system.stack.endpoints.functions.provisionKey,
    body: { uuid, certificate },
    headers: { authorization: `Bearer ${apiKey}` },
  });
  expect(status).toBe(202);
  await system.state(uuid, 'provisioned');
  return { uuid, thumbprint };
}
const isHealthy = async (uuid: string) => {
  const { matches, accepted } = await system.credentials(uuid);
  expect({ matches, accepted }).toEqual({ matches: true, accepted: true });
};
const isRemoved = async (uuid: string) => expect(await hub.thumbprints(uuid)).toBeNull();

/** Each function breaks the system in one way. @returns the expected findings, and an assertion for the state after the repair */
const faults: [
  string,
  () => Promise<{ uuid: string; kinds: FindingKind[]; expectRepaired(): Promise<unknown> }>,
][] = [
  [
    'an identity without device and record',
    async () => {
      const uuid = randomBytes(16).toString('hex');
      await hub.register(uuid, randomThumbprint());
      return { uuid, kinds: ['identity-without-device'], expectRepaired: () => isRemoved(uuid) };
    },
  ],
  [
    'an identity of a deleted device',
    async () => {
      const uuid = await system.provisioned();
      await balena.removeDevice(uuid);
      return { uuid, kinds: ['identity-without-device'], expectRepaired: () => isRemoved(uuid) };
    },
  ],
  [
    'a device of the old function, with identity and variables but no record',
    async () => {
      const uuid = await balena.newDevice();
      const { thumbprint } = await setPair(uuid, 'cloud-relay');
      await hub.register(uuid, thumbprint);
      const expectRepaired = async () =>
        expect(await system.credentials(uuid, 'cloud-relay')).toMatchObject({ thumbprint, accepted: true });
      return { uuid, kinds: ['identity-without-record'], expectRepaired };
    },
  ],
  [
    'a new identity of a deprovisioned device',
    async () => {
      const uuid = await deprovisioned();
      await hub.register(uuid, randomThumbprint());
      return { uuid, kinds: ['identity-not-wanted'], expectRepaired: () => isRemoved(uuid) };
    },
  ],
  [
    'new variables of a deprovisioned device',
    async () => {
      const uuid = await deprovisioned();
      await setPair(uuid);
      const expectRepaired = async () => expect(await balena.variables(uuid)).toEqual({});
      return { uuid, kinds: ['variables-not-wanted'], expectRepaired };
    },
  ],
  [
    'variables without an identity',
    async () => {
      const uuid = await system.provisioned();
      await hub.unregister(uuid);
      return { uuid, kinds: ['variables-without-identity'], expectRepaired: () => isHealthy(uuid) };
    },
  ],
  [
    'variables with another thumbprint in the hub',
    async () => {
      const uuid = await system.provisioned();
      await hub.unregister(uuid);
      await hub.register(uuid, randomThumbprint());
      const kinds: FindingKind[] = ['variables-not-accepted', 'thumbprint-not-held'];
      return { uuid, kinds, expectRepaired: () => isHealthy(uuid) };
    },
  ],
  [
    'removed variables',
    async () => {
      const uuid = await system.provisioned();
      await balena.setVariables(uuid, 'main', { AZURE_CERT: null, AZURE_PRIVATE_KEY: null });
      return { uuid, kinds: ['variables-missing'], expectRepaired: () => isHealthy(uuid) };
    },
  ],
  [
    'credentials in the service of the host OS with the same name, where an earlier version stored them',
    async () => {
      const uuid = await system.provisioned();
      const { main = {} } = await balena.variables(uuid);
      await balena.setHostOsVariables(uuid, main);
      await balena.setVariables(uuid, 'main', { AZURE_CERT: null, AZURE_PRIVATE_KEY: null });
      const expectRepaired = async () => {
        await isHealthy(uuid);
        expect(await balena.hostOsVariables(uuid)).toEqual({});
      };
      return { uuid, kinds: ['variables-in-foreign-service', 'variables-missing'], expectRepaired };
    },
  ],
  [
    'variables with another pair',
    async () => {
      const uuid = await system.provisioned();
      const { thumbprint } = await setPair(uuid);
      const expectRepaired = async () => {
        await isHealthy(uuid);
        expect((await system.credentials(uuid)).thumbprint).toBe(thumbprint);
      };
      return { uuid, kinds: ['variables-differ', 'variables-not-accepted'], expectRepaired };
    },
  ],
  [
    'an unknown secondary thumbprint',
    async () => {
      const uuid = await system.provisioned();
      const { thumbprint } = await system.credentials(uuid);
      const other = randomThumbprint();
      await hub.unregister(uuid);
      await hub.register(uuid, thumbprint, other);
      const expectRepaired = async () => {
        await isHealthy(uuid);
        expect((await system.credentials(uuid)).thumbprint).toBe(thumbprint);
        expect(await hub.thumbprints(uuid)).not.toContain(other);
      };
      return { uuid, kinds: ['thumbprint-not-held'], expectRepaired };
    },
  ],
  ...([96, 101] as const).map((age): (typeof faults)[number] => [
    age > 100 ? 'an expired certificate' : 'a certificate without its renewal',
    async () => {
      const uuid = await system.provisioned();
      const old = await mint(uuid, Date.now() - age * day);
      await holdPair(system, app, uuid, old);
      const expectRepaired = async () => {
        await isHealthy(uuid);
        expect((await system.credentials(uuid)).thumbprint).not.toBe(old.thumbprint);
      };
      return { uuid, kinds: [age > 100 ? 'certificate-expired' : 'certificate-expiring'], expectRepaired };
    },
  ]),
  [
    'an own key that the hub does not accept',
    async () => {
      const { uuid, thumbprint } = await provisionedWithOwnKey();
      await hub.unregister(uuid);
      await hub.register(uuid, randomThumbprint());
      const expectRepaired = async () =>
        expect(await hub.thumbprints(uuid)).toEqual([thumbprint, thumbprint]);
      return { uuid, kinds: ['own-key-not-accepted', 'thumbprint-not-held'], expectRepaired };
    },
  ],
  [
    'a record without device and identity',
    async () => {
      const uuid = await system.provisioned();
      await balena.removeDevice(uuid);
      await hub.unregister(uuid);
      return { uuid, kinds: ['record-without-device'], expectRepaired: () => isRemoved(uuid) };
    },
  ],
  [
    'a failed request of a deleted device',
    async () => {
      const uuid = await balena.newDevice();
      await system.post(uuid, 'no-such-service');
      await system.state(uuid, 'failed');
      await balena.removeDevice(uuid);
      const expectRepaired = () => system.state(uuid, 'deprovisioned');
      return { uuid, kinds: ['dead-record-without-device'], expectRepaired };
    },
  ],
];

test('a consistent system has no findings', async () => {
  await Promise.all([system.provisioned(), system.provisioned(''), deprovisioned()]);
  await balena.newDevice();
  expect(await findings()).toEqual([]);
});

test('every planted disagreement is found and repaired through the queue', async () => {
  const planted = await Promise.all(faults.map(([, plant]) => plant()));
  expect(new Set(planted.flatMap(({ kinds }) => kinds))).toEqual(new Set(findingKinds));

  const found = await findings();
  const expected = planted.flatMap(({ uuid, kinds }) => kinds.map((kind) => `${uuid} ${kind}`));
  expect(found.map(({ uuid, kind }) => `${uuid} ${kind}`).sort()).toEqual(expected.sort());

  for (const finding of found) expect(await repair(app, finding, { removeUnknown: true })).toBe('requested');
  // The first repair of a deleted device is a check. The second repair removes the rest.
  await waitFor('an audit has no findings, and no job is pending', async () => {
    const left = await findings();
    for (const finding of left) await repair(app, finding, { removeUnknown: true });
    if (left.length > 0) throw new Error(left.map(({ uuid, kind }) => `${uuid} ${kind}`).join());
    return progress.unsettled === 0;
  });
  for (const { expectRepaired } of planted) await expectRepaired();
});

test('a repair of a consistent device changes nothing', async () => {
  const uuid = await system.provisioned();
  const before = await system.credentials(uuid);
  const requestId = (await app.records.read(uuid))?.value.desired.requestId ?? null;
  const finding = { uuid, fleet: null, requestId, detail: '' };
  await repair(app, { ...finding, kind: 'variables-missing', fix: { how: 'check' } });
  await repair(app, { ...finding, kind: 'identity-without-device', fix: { how: 'remove' } });
  await repair(app, {
    ...finding,
    kind: 'identity-without-record',
    fix: { how: 'adopt', service: 'other' },
  });
  await untilIdle(app, uuid);
  expect(await system.credentials(uuid)).toEqual(before);
  expect(await system.state(uuid, 'provisioned')).toMatchObject({ service: 'main' });
});

test('changes during the audit, or not yet visible in hub queries, are no findings', async () => {
  // Longer than this suite takes on a slow machine.
  const lagMs = 3_600_000;
  await hub.tell('PUT /queries', { lagMs });
  try {
    const uuids = await Promise.all(Array.from({ length: 10 }, () => system.provisioned()));
    await Promise.all(uuids.slice(0, 5).map((uuid) => system.del(uuid)));
    await Promise.all(uuids.slice(0, 5).map((uuid) => system.state(uuid, 'deprovisioned')));
    expect(await findings(lagMs)).toEqual([]);
    // The queries show neither the new identities nor the removal of the old identities.
    expect(progress.unsettled).toBeGreaterThanOrEqual(5);
  } finally {
    await hub.tell('PUT /queries', { lagMs: 0 });
  }
});
