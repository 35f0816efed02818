import { openHubRegistry } from '../../../src/iothub/registry.js';
import { startProxy } from '../../support/startProxy.js';
import { thrownBy } from '../../support/thrownBy.js';
import { ms, thumbprints, useHub } from '../../support/useHub.js';
import { openRegistry, withThumbprint } from '../local/iothub/hubClients.js';

const iotHub = await useHub();
const { hub, counts } = iotHub;
const sdk = openRegistry(iotHub);
afterAll(() => sdk.close());
beforeEach(counts);

test('the connection string says which port the hub is at', () => {
  expect(iotHub.connectionString).toContain(`HostName=localhost:${iotHub.httpsPort};`);
});

test('a device is created with one operation, enabled, with both thumbprints', async () => {
  expect(await hub.create('new', thumbprints('A', 'B'), ms)).toBe('created');
  expect(await counts()).toEqual({ 'PUT /devices/{id}': { 200: 1 } });
  const { responseBody } = await sdk.registry.get('new');
  expect(responseBody).toMatchObject({
    status: 'enabled',
    authentication: {
      type: 'selfSigned',
      x509Thumbprint: { primaryThumbprint: 'A'.repeat(64), secondaryThumbprint: 'B'.repeat(64) },
    },
  });
});

test('that a device exists already is an answer, after one operation, and changes nothing', async () => {
  await hub.create('twice', thumbprints('A'), ms);
  await counts();
  expect(await hub.create('twice', thumbprints('B'), ms)).toBe('exists');
  expect(await counts()).toEqual({ 'PUT /devices/{id}': { 409: 1 } });
  expect(await hub.get('twice', ms)).toEqual(thumbprints('A'));
});

test('a device is updated with one operation', async () => {
  await hub.create('changed', thumbprints('A'), ms);
  await counts();
  expect(await hub.update('changed', thumbprints('B', 'A'), ms)).toBe('updated');
  expect(await counts()).toEqual({ 'PUT /devices/{id}': { 200: 1 } });
  expect(await hub.get('changed', ms)).toEqual(thumbprints('B', 'A'));
});

test('that there is no device to update is an answer, after one operation, and makes none', async () => {
  expect(await hub.update('nobody', thumbprints('A'), ms)).toBe('none');
  expect(await counts()).toEqual({ 'PUT /devices/{id}': { 404: 1 } });
  expect(await hub.get('nobody', ms)).toBe('none');
});

test('a device is removed with one operation; that it is gone already is an answer', async () => {
  await hub.create('removed', thumbprints('A'), ms);
  await counts();
  expect(await hub.remove('removed', ms)).toBe('removed');
  expect(await hub.remove('removed', ms)).toBe('none');
  expect(await counts()).toEqual({ 'DELETE /devices/{id}': { 204: 1, 404: 1 } });
  expect(await hub.get('removed', ms)).toBe('none');
});

test('an identity is read with one operation', async () => {
  await hub.create('read', thumbprints('A', 'B'), ms);
  await counts();
  expect(await hub.get('read', ms)).toEqual(thumbprints('A', 'B'));
  expect(await counts()).toEqual({ 'GET /devices/{id}': { 200: 1 } });
});

test('thumbprints are compared in upper case, and one in a single slot counts for both', async () => {
  await sdk.registry.create(withThumbprint('lower', 'a'.repeat(64)));
  expect(await hub.get('lower', ms)).toEqual(thumbprints('A'));
});

test('an identity of another kind exists, and can be made one with thumbprints', async () => {
  await sdk.registry.create({ deviceId: 'by-key', status: 'enabled' });
  expect(await hub.get('by-key', ms)).toBe('exists');
  expect(await hub.update('by-key', thumbprints('A'), ms)).toBe('updated');
  expect(await hub.get('by-key', ms)).toEqual(thumbprints('A'));
});

test('a disabled identity exists, and accepts nothing', async () => {
  await sdk.registry.create({ ...withThumbprint('disabled', 'a'.repeat(64)), status: 'disabled' });
  expect(await hub.get('disabled', ms)).toBe('exists');
});

test('an identity with SHA-1 thumbprints is read as it is, and updated to SHA-256', async () => {
  await sdk.registry.create(withThumbprint('old', 'a'.repeat(40), 'b'.repeat(40)));
  expect(await hub.get('old', ms)).toEqual(['A'.repeat(40), 'B'.repeat(40)]);
  expect(await hub.update('old', thumbprints('C'), ms)).toBe('updated');
  expect(await hub.get('old', ms)).toEqual(thumbprints('C'));
});

test('a device id is one part of the path, whatever is in it', async () => {
  expect(await hub.create("a'b?c#d", thumbprints('A'), ms)).toBe('created');
  expect(await hub.get("a'b?c#d", ms)).toEqual(thumbprints('A'));
});

test('thumbprints that the hub does not take are rejected for good', async () => {
  expect(await thrownBy(hub.create('bad', ['A', 'B'], ms))).toMatchObject({
    code: 'hub-rejected',
    outcomeUnknown: false,
    message: expect.stringMatching(/400 \w+/),
  });
});

test('200 calls at once share 16 connections, and the next ones use them again', async () => {
  const proxy = await startProxy(iotHub.httpsPort);
  const connectionString = iotHub.connectionString.replace(/localhost:\d+/, `localhost:${proxy.port}`);
  const busy = openHubRegistry({ connection: { connectionString } });
  const calls = Array.from({ length: 200 }, (_, at) => busy.create(`many-${at}`, thumbprints('A'), 20_000));
  expect(new Set(await Promise.all(calls))).toEqual(new Set(['created']));
  expect(proxy.made()).toBe(16);
  await busy.get('many-1', ms);
  expect(proxy.made()).toBe(16);
  busy.close();
  await proxy.stop();
});
