import { randomBytes } from 'node:crypto';
import { type AuditProgress, audit } from '../../cli/fleet/audit.js';
import { type Finding, type FindingKind, findingKinds } from '../../cli/fleet/finding.js';
import { repair } from '../../cli/fleet/repair.js';
import { minter } from '../../src/certificates/mint.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { holdPair } from './support/holdPair.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem();
const { balena, hub } = system;
const app = appOf(system);
const mint = minter({ days: 100 });
const day = 86_400_000;
const options = { fleets: ['local/demo'], service: 'main', renewAt: 0.8 };
const stray = () => randomBytes(32).toString('hex').toUpperCase();

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
const isWell = async (uuid: string) => {
  const { matches, accepted } = await system.credentials(uuid);
  expect({ matches, accepted }).toEqual({ matches: true, accepted: true });
};
const hasGone = async (uuid: string) => expect(await hub.thumbprints(uuid)).toBeNull();

/** Each breaks the system in one way, and tells what must be found, and how to see that it is mended. */
const plants: [string, () => Promise<{ uuid: string; kinds: FindingKind[]; mended(): Promise<unknown> }>][] =
  [
    [
      'an identity that nobody knows',
      async () => {
        const uuid = randomBytes(16).toString('hex');
        await hub.register(uuid, stray());
        return { uuid, kinds: ['identity-without-device'], mended: () => hasGone(uuid) };
      },
    ],
    [
      'an identity of a device that was deleted',
      async () => {
        const uuid = await system.provisioned();
        await balena.removeDevice(uuid);
        return { uuid, kinds: ['identity-without-device'], mended: () => hasGone(uuid) };
      },
    ],
    [
      'a device of the old function: it has an identity and variables, and no record',
      async () => {
        const uuid = await balena.newDevice();
        const { thumbprint } = await setPair(uuid, 'cloud-relay');
        await hub.register(uuid, thumbprint);
        const mended = async () =>
          expect(await system.credentials(uuid, 'cloud-relay')).toMatchObject({ thumbprint, accepted: true });
        return { uuid, kinds: ['identity-without-record'], mended };
      },
    ],
    [
      'an identity that came back after its device was deprovisioned',
      async () => {
        const uuid = await deprovisioned();
        await hub.register(uuid, stray());
        return { uuid, kinds: ['identity-not-wanted'], mended: () => hasGone(uuid) };
      },
    ],
    [
      'variables that came back after their device was deprovisioned',
      async () => {
        const uuid = await deprovisioned();
        await setPair(uuid);
        const mended = async () => expect(await balena.variables(uuid)).toEqual({});
        return { uuid, kinds: ['variables-not-wanted'], mended };
      },
    ],
    [
      'variables of which the identity was deleted',
      async () => {
        const uuid = await system.provisioned();
        await hub.unregister(uuid);
        return { uuid, kinds: ['variables-without-identity'], mended: () => isWell(uuid) };
      },
    ],
    [
      'variables that the hub does not accept, but something else',
      async () => {
        const uuid = await system.provisioned();
        await hub.unregister(uuid);
        await hub.register(uuid, stray());
        const kinds: FindingKind[] = ['variables-not-accepted', 'thumbprint-not-held'];
        return { uuid, kinds, mended: () => isWell(uuid) };
      },
    ],
    [
      'variables that were removed',
      async () => {
        const uuid = await system.provisioned();
        await balena.setVariables(uuid, 'main', { AZURE_CERT: null, AZURE_PRIVATE_KEY: null });
        return { uuid, kinds: ['variables-missing'], mended: () => isWell(uuid) };
      },
    ],
    [
      'variables that were replaced by another pair',
      async () => {
        const uuid = await system.provisioned();
        const { thumbprint } = await setPair(uuid);
        const mended = async () => {
          await isWell(uuid);
          expect((await system.credentials(uuid)).thumbprint).toBe(thumbprint);
        };
        return { uuid, kinds: ['variables-differ', 'variables-not-accepted'], mended };
      },
    ],
    [
      'a second thumbprint that no one holds',
      async () => {
        const uuid = await system.provisioned();
        const { thumbprint } = await system.credentials(uuid);
        const other = stray();
        await hub.unregister(uuid);
        await hub.register(uuid, thumbprint, other);
        const mended = async () => {
          await isWell(uuid);
          expect((await system.credentials(uuid)).thumbprint).toBe(thumbprint);
          expect(await hub.thumbprints(uuid)).not.toContain(other);
        };
        return { uuid, kinds: ['thumbprint-not-held'], mended };
      },
    ],
    ...([96, 101] as const).map((age): (typeof plants)[number] => [
      age > 100 ? 'a certificate that has expired' : 'a certificate that was not renewed',
      async () => {
        const uuid = await system.provisioned();
        const old = await mint(uuid, Date.now() - age * day);
        await holdPair(system, app, uuid, old);
        const mended = async () => {
          await isWell(uuid);
          expect((await system.credentials(uuid)).thumbprint).not.toBe(old.thumbprint);
        };
        return { uuid, kinds: [age > 100 ? 'certificate-expired' : 'certificate-expiring'], mended };
      },
    ]),
    [
      'a record of a device that is gone, as is its identity',
      async () => {
        const uuid = await system.provisioned();
        await balena.removeDevice(uuid);
        await hub.unregister(uuid);
        return { uuid, kinds: ['record-without-device'], mended: () => hasGone(uuid) };
      },
    ],
    [
      'a failed request of a device that is gone',
      async () => {
        const uuid = await balena.newDevice();
        await system.post(uuid, 'no-such-service');
        await system.state(uuid, 'failed');
        await balena.removeDevice(uuid);
        const mended = () => system.state(uuid, 'deprovisioned');
        return { uuid, kinds: ['dead-record-without-device'], mended };
      },
    ],
  ];

test('a system that is whole has no findings', async () => {
  await Promise.all([system.provisioned(), system.provisioned(''), deprovisioned()]);
  await balena.newDevice();
  expect(await findings()).toEqual([]);
});

test('every planted disagreement is found, each kind among them, and all are mended through the queue', async () => {
  const planted = await Promise.all(plants.map(([, plant]) => plant()));
  expect(new Set(planted.flatMap(({ kinds }) => kinds))).toEqual(new Set(findingKinds));

  const found = await findings();
  const expected = planted.flatMap(({ uuid, kinds }) => kinds.map((kind) => `${uuid} ${kind}`));
  expect(found.map(({ uuid, kind }) => `${uuid} ${kind}`).sort()).toEqual(expected.sort());

  for (const finding of found) expect(await repair(app, finding, { removeUnknown: true })).toBe('requested');
  // A device that is gone is looked at first; what is left of it goes with the second repair.
  await waitFor('an audit finds nothing more, and nothing is under way', async () => {
    const left = await findings();
    for (const finding of left) await repair(app, finding, { removeUnknown: true });
    if (left.length > 0) throw new Error(left.map(({ uuid, kind }) => `${uuid} ${kind}`).join());
    return progress.unsettled === 0;
  });
  for (const { mended } of planted) await mended();
});

test('repaired in vain: what was in order already is not changed', async () => {
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
  await waitFor('nothing is under way', async () => !(await app.records.read(uuid))?.value.job);
  expect(await system.credentials(uuid)).toEqual(before);
  expect(await system.state(uuid, 'provisioned')).toMatchObject({ service: 'main' });
});

test('what happens while an audit reads, and what the queries of the hub do not show yet, is not taken for a finding', async () => {
  await hub.tell('PUT /queries', { lagMs: 120_000 });
  try {
    const uuids = await Promise.all(Array.from({ length: 10 }, () => system.provisioned()));
    await Promise.all(uuids.slice(0, 5).map((uuid) => system.del(uuid)));
    await Promise.all(uuids.slice(0, 5).map((uuid) => system.state(uuid, 'deprovisioned')));
    expect(await findings(120_000)).toEqual([]);
    // Their identities, unseen or still seen.
    expect(progress.unsettled).toBeGreaterThanOrEqual(5);
  } finally {
    await hub.tell('PUT /queries', { lagMs: 0 });
  }
});
