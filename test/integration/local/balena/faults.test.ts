import { waitFor } from '../../../support/waitFor.js';
import { useBalena } from './useBalena.js';

const balena = await useBalena();
const { sdk, device, control } = balena;
const id = (await sdk.models.device.get(device.uuid, { $select: 'id' })).id;
const post = (name: string) =>
  sdk.pine.post({ resource: 'device_environment_variable', body: { device: id, name, value: 'x' } });

afterEach(async () => {
  await control('DELETE', '/faults');
  await control('PUT', '/throttle', { requestsPerMinute: null });
});

test('beyond its rate a caller is refused with 429 and Retry-After, until the window ends', async () => {
  await control('PUT', '/throttle', { requestsPerMinute: 180, windowSeconds: 1 });
  const names = ['T1', 'T2', 'T3', 'T4'];
  const outcomes = await Promise.allSettled(names.map(post));
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(refused).toHaveLength(1);
  const { statusCode, responseHeaders } = refused[0]!.reason;
  expect([statusCode, responseHeaders.get('retry-after')]).toEqual([429, '1']);
  // Each caller has a separate count.
  expect((await balena.request('/actor/v1/whoami', {}, device.apiKey)).status).toBe(200);
  await waitFor(
    'balena answers again',
    async () => (await balena.request('/actor/v1/whoami')).status === 200,
  );
  await post('T5');
});

test('a write that is answered with 500 can have been done', async () => {
  await control('PUT', '/faults', [
    { method: 'POST', path: 'device_environment_variable', times: 1, status: 500, effect: 'now' },
  ]);
  await expect(post('DONE')).rejects.toMatchObject({ statusCode: 500 });
  await expect(post('DONE')).rejects.toMatchObject({ statusCode: 409 });
});

test('a write whose connection was reset can still be done', async () => {
  await control('PUT', '/faults', [{ method: 'POST', times: 1, reset: true, effect: { lateMs: 50 } }]);
  await expect(post('LATE')).rejects.toThrow('fetch failed');
  await waitFor(
    'the variable is stored',
    async () => (await sdk.models.device.envVar.get(id, 'LATE')) === 'x',
  );
});

test('half an answer is a failure to the SDK', async () => {
  await control('PUT', '/faults', [{ method: 'GET', times: 1, halfAnswer: true, effect: 'now' }]);
  await expect(sdk.models.device.get(device.uuid)).rejects.toThrow();
});
