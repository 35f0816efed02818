import { minter } from '../../src/certificates/mint.js';
import { renew } from '../../src/fleet/renew.js';
import { rotate } from '../../src/fleet/rotate.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { holdPair } from './support/holdPair.js';
import { untilIdle } from './support/untilIdle.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem();
const { balena, hub } = system;
const app = appOf(system);
const day = 86_400_000;
const options = { renewAt: 0.8, operationsPerMinute: 6_000 };
const mint = minter({ days: 100 });

const others = (uuid: string, thumbprint: string) =>
  waitFor('it holds another certificate', async () => {
    const pair = await system.credentials(uuid);
    return pair.accepted && pair.matches && pair.thumbprint !== thumbprint && pair;
  });
const hasSent = (uuid: string, n: number) =>
  waitFor(`telemetry ${n} arrived`, async () =>
    (await hub.telemetry(uuid)).some(({ body }) => JSON.stringify(body).includes(`"n":${n}`)),
  );

test('a certificate that is due is renewed without an outage: the connection holds, and old and new both connect', async () => {
  const uuid = await system.provisioned();
  const old = await mint(uuid, Date.now() - 92 * day);
  await holdPair(system, app, uuid, old);
  const oldPair = await system.credentials(uuid);
  const held = await system.connect(uuid, oldPair);
  await held.send({ n: 1 });
  await hasSent(uuid, 1);

  expect(await renew(app, options)).toMatchObject({ due: 1, checked: 1, certificates: { within30Days: 1 } });
  const newPair = await others(uuid, old.thumbprint);
  expect(await hub.thumbprints(uuid)).toEqual([newPair.thumbprint, old.thumbprint]);

  // The connection with the old certificate was never closed.
  await held.send({ n: 2 });
  await hasSent(uuid, 2);
  await held.close();
  // A device that uses its old variables, and later its new variables.
  for (const [n, pair] of [
    [3, oldPair],
    [4, newPair],
  ] as const) {
    const again = await system.connect(uuid, pair);
    await again.send({ n });
    await hasSent(uuid, n);
    await again.close();
  }
  await untilIdle(app, uuid);
  expect(await renew(app, options)).toMatchObject({ due: 0, certificates: { within30Days: 0 } });
});

test('a rotation that is asked for holds the connection, too; with the next one the hub lets the oldest go', async () => {
  const uuid = await system.provisioned();
  const first = await system.credentials(uuid);
  const held = await system.connect(uuid, first);
  expect(await rotate(app, uuid)).toMatchObject({ kind: 'accepted' });
  const second = await others(uuid, first.thumbprint);
  await held.send({ n: 1 });
  await hasSent(uuid, 1);
  await held.close();
  await system.state(uuid, 'provisioned');

  await rotate(app, uuid);
  const third = await others(uuid, second.thumbprint);
  expect(await hub.thumbprints(uuid)).toEqual([third.thumbprint, second.thumbprint]);
  await expect(system.connect(uuid, first)).rejects.toThrow();
  for (const pair of [second, third]) await (await system.connect(uuid, pair)).close();
});

test('a rotation that revokes cuts the old certificate off', async () => {
  const uuid = await system.provisioned();
  const old = await system.credentials(uuid);
  const held = await system.connect(uuid, old);
  await rotate(app, uuid, { revoke: true });
  const fresh = await others(uuid, old.thumbprint);
  // The hub rejects the old certificate only after balena has shown the new one.
  await waitFor('the hub rejects the old certificate', async () =>
    (await hub.thumbprints(uuid))?.every((each) => each === fresh.thumbprint),
  );
  await expect(system.connect(uuid, old)).rejects.toThrow();
  const again = await system.connect(uuid, fresh);
  await again.close();
  await held.close().catch(() => {});
  // A second request for the same rotation has nothing to do.
  await system.state(uuid, 'provisioned');
  expect(await rotate(app, uuid, { thumbprint: old.thumbprint })).toMatchObject({ why: 'replaced' });
  expect(await balena.variables(uuid)).toHaveProperty('main.AZURE_CERT');
});
