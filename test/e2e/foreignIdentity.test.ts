import { minter } from '../../src/certificates/mint.js';
import { renew } from '../../src/fleet/renew.js';
import { rotate } from '../../src/fleet/rotate.js';
import { requestCheck } from '../../src/provisioning/check.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { holdPair } from './support/holdPair.js';
import { untilIdle } from './support/untilIdle.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem();
const { balena, hub, ops } = system;
const app = appOf(system);
const mint = minter({ days: 100 });
const day = 86_400_000;

const edge = {
  status: 'enabled',
  statusReason: 'gateway of hall 3',
  capabilities: { iotEdge: true },
  deviceScope: 'ms-azure-iot-edge://above-637',
} as const;
const tags = { site: 'north', floor: 3 };
const disabled = { status: 'disabled', statusReason: 'stolen' } as const;

/** Makes the identity one that another program has set up. */
async function makeEdge(uuid: string): Promise<void> {
  await hub.change(uuid, edge);
  await hub.tag(uuid, tags);
}
const others = (uuid: string, thumbprint: string) =>
  waitFor('the device holds another certificate', async () => {
    const pair = await system.credentials(uuid);
    return pair.accepted && pair.matches && pair.thumbprint !== thumbprint && pair;
  });
const registryOperations = async () => {
  const { counts } = await hub.requested();
  return Object.fromEntries(Object.entries(counts).filter(([what]) => what.endsWith('/devices/{id}')));
};

describe('an identity that another program has set up', () => {
  test('keeps capabilities, reason, scope and tags when the device is provisioned: three registry operations', async () => {
    const uuid = await balena.newDevice();
    await hub.register(uuid, (await mint(uuid, Date.now())).thumbprint);
    await makeEdge(uuid);
    await hub.forget();

    await system.post(uuid, 'main');
    await system.state(uuid, 'provisioned');
    expect(await registryOperations()).toEqual({
      'PUT /devices/{id}': { 200: 1, 409: 1 },
      'GET /devices/{id}': { 200: 1 },
    });
    expect(await hub.foreign(uuid)).toEqual({ ...edge, tags });
    expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
  });

  test('keeps them through a rotation, a renewal and a check', async () => {
    const uuid = await system.provisioned();
    await makeEdge(uuid);
    const first = await system.credentials(uuid);
    await rotate(app, uuid);
    const second = await others(uuid, first.thumbprint);
    await system.state(uuid, 'provisioned');
    expect(await hub.foreign(uuid)).toEqual({ ...edge, tags });

    await rotate(app, uuid, { revoke: true });
    await others(uuid, second.thumbprint);
    await system.state(uuid, 'provisioned');
    expect(await hub.foreign(uuid)).toEqual({ ...edge, tags });

    // The check finds that the hub accepts another certificate.
    await hub.unregister(uuid);
    await hub.register(uuid, (await mint(uuid, Date.now())).thumbprint);
    await makeEdge(uuid);
    await requestCheck(app, uuid, { forceVerify: true });
    await untilIdle(app, uuid);
    expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
    expect(await hub.foreign(uuid)).toEqual({ ...edge, tags });
  });
});

describe('the registry operations of a device that only the product has changed', () => {
  const update = { 'PUT /devices/{id}': { 200: 1 } };

  test('are one for a rotation, and one for the next', async () => {
    const uuid = await system.provisioned();
    let { thumbprint } = await system.credentials(uuid);
    for (const _ of ['first', 'second']) {
      await hub.forget();
      await rotate(app, uuid);
      await system.state(uuid, 'provisioned');
      expect(await registryOperations()).toEqual(update);
      thumbprint = (await others(uuid, thumbprint)).thumbprint;
    }
  });
});

describe('an identity that an operator has disabled', () => {
  test('stays disabled when the device is requested; once enabled, a replay provisions the device', async () => {
    const uuid = await balena.newDevice();
    await hub.register(uuid, (await mint(uuid, Date.now())).thumbprint);
    await hub.change(uuid, disabled);

    await system.post(uuid, 'main');
    const record = await system.state(uuid, 'failed');
    expect(record.error).toMatchObject({ code: 'hub-device-disabled', step: 'register' });
    expect(await hub.foreign(uuid)).toMatchObject(disabled);
    expect(await balena.variables(uuid)).toEqual({});
    expect((await system.post(uuid, 'main')).json).toMatchObject({
      status: 422,
      code: 'hub-device-disabled',
    });

    await hub.change(uuid, { status: 'enabled' });
    const { id } = await ops.plan({ kind: 'replay', filter: { uuid } });
    await ops.start(id);
    await system.state(uuid, 'provisioned');
    expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
  });

  test.each<[string, (uuid: string) => Promise<unknown>]>([
    ['a rotation', (uuid) => rotate(app, uuid)],
    ['a rotation that revokes', (uuid) => rotate(app, uuid, { revoke: true })],
    ['a check', (uuid) => requestCheck(app, uuid, { forceVerify: true })],
    [
      'a renewal',
      async (uuid) => {
        const old = await mint(uuid, Date.now() - 92 * day);
        await holdPair(system, app, uuid, old);
        await hub.change(uuid, disabled);
        await renew(app, { renewAt: 0.8, operationsPerMinute: 6_000 });
      },
    ],
  ])('stays disabled, and the device keeps its variables: %s', async (_, change) => {
    const uuid = await system.provisioned();
    await hub.change(uuid, disabled);
    await change(uuid);
    const variables = await balena.variables(uuid);
    await waitFor('the error is recorded', async () => {
      const record = await untilIdle(app, uuid);
      return record.error?.code === 'hub-device-disabled';
    });
    expect(await hub.foreign(uuid)).toMatchObject(disabled);
    expect(await balena.variables(uuid)).toEqual(variables);
    expect((await system.get(uuid)).json.state).toBe('failed');

    // The device requests again and again, because the hub does not let the device connect.
    await system.post(uuid, 'main');
    await untilIdle(app, uuid);
    expect(await hub.foreign(uuid)).toMatchObject(disabled);
  });
});
