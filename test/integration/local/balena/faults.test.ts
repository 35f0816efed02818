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

describe('a fault with a subject', () => {
  const uuids = async () => [device.uuid, (await balena.newDevice()).uuid] as const;
  const idOf = async (uuid: string) => (await sdk.models.device.get(uuid, { $select: 'id' })).id;
  const statusOf = async (path: string, init: RequestInit = {}, key?: string) =>
    (await balena.request(path, init, key)).status;
  const postTo = async (uuid: string) => {
    const [install] = (
      await balena.request(`/v7/service_install?$filter=device eq ${await idOf(uuid)}&$select=id`)
    ).body.d;
    return () =>
      statusOf('/v7/device_service_environment_variable', {
        method: 'POST',
        body: JSON.stringify({ service_install: install.id, name: 'SUBJECT', value: 'x' }),
      });
  };

  test('hits one device only, in reads, writes and with its own key', async () => {
    const [one, other] = await uuids();
    const [post, postOther] = [await postTo(one), await postTo(other)];
    await control('PUT', '/faults', [{ subject: one, status: 500 }]);
    expect(await statusOf(`/v7/device?$filter=uuid eq '${one}'`)).toBe(500);
    expect(await statusOf(`/v7/device?$filter=uuid eq '${other}'`)).toBe(200);
    expect(await post()).toBe(500);
    expect(await postOther()).toBe(201);
    expect(await statusOf('/actor/v1/whoami', {}, device.apiKey)).toBe(500);
    // A list of several devices is about no single device.
    expect(await statusOf('/v7/device')).toBe(200);
  });

  test('hits one fleet only', async () => {
    await control('POST', '/fleets', { slug: 'acme/pumps', services: ['main'] });
    const { uuid } = (await control('POST', '/devices', { fleet: 'acme/pumps' })).body[0];
    const [post, postOther] = [await postTo(uuid), await postTo(device.uuid)];
    await control('PUT', '/faults', [{ subject: 'acme/pumps', status: 500 }]);
    expect(await post()).toBe(500);
    expect(await postOther()).not.toBe(500);
    expect(await statusOf("/v7/application?$filter=slug eq 'acme/pumps'")).toBe(500);
    expect(await statusOf(`/v7/device?$filter=belongs_to__application/any(a:a/slug eq 'acme/pumps')`)).toBe(
      500,
    );
    expect(await statusOf(`/v7/device?$filter=uuid eq '${device.uuid}'`)).toBe(200);
  });
});

test('a page of a gateway needs a status, and excludes a body', async () => {
  expect((await control('PUT', '/faults', [{ gateway: true, reset: true }])).status).toBe(400);
  const both = { status: 502, gateway: true, body: 'x' };
  expect((await control('PUT', '/faults', [both])).body.error).toContain('body and gateway');
});

test.each([404, 502, 503])('a gateway answers %i with a page of its own', async (status) => {
  await control('PUT', '/faults', [{ status, gateway: true }]);
  const answer = await balena.request('/v7/device');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/html']);
  expect(answer.body).toMatch(/^<html>.*nginx/s);
});
