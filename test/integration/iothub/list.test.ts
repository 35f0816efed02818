import type { ListedIdentity } from '../../../src/iothub/types.js';
import { thrownBy } from '../../support/thrownBy.js';
import { ms, thumbprints, useHub } from '../../support/useHub.js';
import { openRegistry, withThumbprint } from '../local/iothub/hubClients.js';

const iotHub = await useHub();
const { hub, counts, tell, versionOf } = iotHub;
const sdk = openRegistry(iotHub);
afterAll(() => sdk.close());
beforeEach(counts);

async function all(): Promise<ListedIdentity[]> {
  const found: ListedIdentity[] = [];
  let from: string | null = null;
  do {
    const { identities, next } = await hub.list(from, ms);
    expect(identities.length).toBeLessThanOrEqual(100);
    found.push(...identities);
    from = next;
  } while (from !== null);
  return found;
}
const acceptedBy = async (id: string) => (await all()).find(({ deviceId }) => deviceId === id)?.accepts;

test('all identities are listed with their thumbprints, a hundred with each query', async () => {
  const ids = Array.from({ length: 205 }, (_, i) => `listed-${i}`);
  for (let at = 0; at < ids.length; at += 100)
    await sdk.registry.addDevices(
      ids.slice(at, at + 100).map((id) => withThumbprint(id, 'a'.repeat(64), 'b'.repeat(64))),
    );
  await counts();
  const listed = await all();
  expect(await counts()).toEqual({ 'POST /devices/query': { 200: 3 } });
  expect(listed.map(({ deviceId }) => deviceId).sort()).toEqual(ids.sort());
  expect(listed[0]?.accepts).toEqual(['A'.repeat(64), 'B'.repeat(64)]);
});

test('an identity in both slots of which the same thumbprint stands accepts one, and one with SHA-1 that', async () => {
  await hub.create('same', thumbprints('C'), ms);
  await sdk.registry.create(withThumbprint('old', 'd'.repeat(40), 'd'.repeat(40)));
  expect(await acceptedBy('same')).toEqual(['C'.repeat(64)]);
  expect(await acceptedBy('old')).toEqual(['D'.repeat(40)]);
});

test('an identity that is disabled, or of another kind, accepts no certificate', async () => {
  await sdk.registry.create({ ...withThumbprint('off', 'e'.repeat(64)), status: 'disabled' });
  await sdk.registry.create({ deviceId: 'by-key' });
  expect(await acceptedBy('off')).toEqual([]);
  expect(await acceptedBy('by-key')).toEqual([]);
});

test('what a listing shows can be behind the registry', async () => {
  await tell('PUT /queries', { lagMs: 60_000 });
  await hub.create('late', thumbprints('F'), ms);
  await hub.update('same', thumbprints('F'), await versionOf('same'), ms);
  await hub.remove('old', ms);
  expect(await acceptedBy('late')).toBeUndefined();
  expect(await acceptedBy('same')).toEqual(['C'.repeat(64)]);
  expect(await acceptedBy('old')).toEqual(['D'.repeat(40)]);
  await tell('PUT /queries', { lagMs: 0 });
  expect(await acceptedBy('late')).toEqual(['F'.repeat(64)]);
});

test('queries have a limit of their own, past which they are held back, and cost no registry operation', async () => {
  await tell('PUT /throttle', { tier: 'S1' });
  for (let index = 0; index < 20; index += 1) await hub.list(null, ms);
  expect(await thrownBy(hub.list(null, 200))).toMatchObject({ code: 'timed-out', outcomeUnknown: false });
  expect(await tell('GET /queries')).toMatchObject({ delayed: 1, available: 0 });
  expect(await tell('GET /throttle')).toMatchObject({ available: 100 });
  await tell('PUT /throttle', { unthrottled: true });
});

test('a hub that throttles queries says when to come again', async () => {
  const body = {
    Message: 'ErrorCode:ThrottlingException;The request has been throttled. Wait 7 seconds and try again.',
  };
  await tell('POST /faults', { path: '^/devices/query', times: 1, status: 429, body });
  expect(await thrownBy(hub.list(null, ms))).toMatchObject({
    code: 'hub-throttled',
    retryAfterMs: 7_000,
  });
});

test('a page of a proxy is not taken for an empty hub', async () => {
  await tell('POST /faults', { path: '^/devices/query', times: 1, status: 200, body: { not: 'a list' } });
  expect(await thrownBy(hub.list(null, ms))).toMatchObject({ code: 'hub-unavailable' });
});
