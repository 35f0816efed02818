import { seededRandom } from '../../local/simulators/shared/faults.js';
import { waitFor } from '../support/waitFor.js';
import { type System, useSystem } from './support/useSystem.js';

const system = await useSystem();
const { balena, hub, queue } = system;

test('a device that is asked for fifty times at once is registered once, and its variables are written once', async () => {
  const uuid = await balena.newDevice();
  await Promise.all([hub.forget(), balena.forget()]);
  // The device is not provisioned before the last request. The product waits ten seconds for an answer.
  const held = await hub.fault({ method: 'PUT', path: uuid, times: 1, delayMs: 9_500 });

  const asks = await Promise.all(Array.from({ length: 50 }, () => system.post(uuid, 'main')));
  expect(new Set(asks.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(asks.map(({ json }) => json.requestId)).size).toBe(1);

  await held(1);
  await hub.noFaults();
  await system.state(uuid, 'provisioned');
  expect((await hub.requested()).counts).toEqual({ 'PUT /devices/{id}': { 200: 1 } });
  expect((await balena.requested()).counts).toEqual({
    'GET /v7/device': { 200: 1 },
    'POST /v7/device_service_environment_variable': { 201: 2 },
  });
});

test('asked for at another service, the credentials move there, and cannot move again within ten minutes', async () => {
  const uuid = await system.provisioned('main');
  const before = await system.credentials(uuid, 'main');
  await hub.forget();

  expect((await system.post(uuid, 'cloud-relay')).status).toBe(202);
  await system.state(uuid, 'provisioned');
  expect(Object.keys(await balena.variables(uuid))).toEqual(['cloud-relay']);
  expect((await hub.requested()).total).toBe(0);
  expect(await system.credentials(uuid, 'cloud-relay')).toMatchObject({
    thumbprint: before.thumbprint,
    matches: true,
    accepted: true,
  });

  const back = await system.post(uuid, 'main');
  expect(back.status).toBe(409);
  expect(back.headers.get('content-type')).toBe('application/problem+json');
  expect(Number(back.headers.get('retry-after'))).toBeGreaterThan(120);
  expect(back.json).toMatchObject({ code: 'service-conflict', service: 'cloud-relay' });
  expect(Object.keys(await balena.variables(uuid))).toEqual(['cloud-relay']);
});

test('a second move while the first is under way wins: only a move that succeeded counts', async () => {
  const uuid = await system.provisioned('main');
  const held = await balena.fault({ method: 'GET', path: uuid, times: 1, delayMs: 14_000 });
  await system.post(uuid, 'cloud-relay');
  await held(1);
  expect((await system.post(uuid, 'main')).status).toBe(202);
  await balena.noFaults();
  await system.state(uuid, 'provisioned');
  expect(Object.keys(await balena.variables(uuid))).toEqual(['main']);
});

test('what is asked for in any quick order ends as it was last asked for', async () => {
  const uuids = await Promise.all(Array.from({ length: 8 }, () => balena.newDevice()));
  await Promise.all(
    uuids.map(async (uuid, index) => {
      const last = await askAtRandom(system, uuid, seededRandom(index + 1));
      await system.state(uuid, last === null ? 'deprovisioned' : 'provisioned');
      await waitFor(`nothing is under way for ${uuid}`, async () =>
        (await queue.messages()).every(({ body }) => body.uuid !== uuid),
      );
      if (last === null) {
        expect(await balena.variables(uuid)).toEqual({});
        expect(await hub.thumbprints(uuid)).toBeNull();
      } else {
        expect(Object.keys(await balena.variables(uuid))).toEqual([last]);
        expect(await system.credentials(uuid, last)).toMatchObject({ matches: true, accepted: true });
      }
    }),
  );
});

/** @returns the service of the last accepted request; null: the last accepted request was a DELETE */
async function askAtRandom(
  { post, del }: System,
  uuid: string,
  random: () => number,
): Promise<string | null> {
  let wanted: string | null = null;
  const asks = 4 + Math.floor(random() * 5);
  for (let index = 0; index < asks; index += 1) {
    const service = [null, 'main', 'main', 'cloud-relay'][Math.floor(random() * 4)] ?? null;
    const { status, text, json } = service === null ? await del(uuid) : await post(uuid, service);
    if (status === 202) wanted = service;
    else if (!text.startsWith('DeviceAlreadyExistsError') && json.code !== 'service-conflict')
      throw new Error(`${service ?? 'DELETE'} was answered with ${status}: ${text}`);
    // A random pause is the subject of this test: the next request arrives while the first is queued, running or nearly done.
    await new Promise((resolve) => setTimeout(resolve, random() * 150));
  }
  return wanted;
}
