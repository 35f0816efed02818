import { openHubRegistry } from '../../../src/iothub/registry.js';
import { startProxy } from '../../support/startProxy.js';
import { thrownBy } from '../../support/thrownBy.js';
import { ms, thumbprints, useHub } from '../../support/useHub.js';
import { openRegistry, withThumbprint } from '../local/iothub/hubClients.js';

const iotHub = await useHub();
const { hub, counts, stored, tell, versionOf } = iotHub;
const sdk = openRegistry(iotHub);
afterAll(() => sdk.close());
beforeEach(counts);

test('the connection string says which port the hub is at', () => {
  expect(iotHub.connectionString).toContain(`HostName=localhost:${iotHub.httpsPort};`);
});

test('a device is created with one operation, enabled, with both thumbprints', async () => {
  const version = await hub.create('new', thumbprints('A', 'B'), ms);
  expect(version).toEqual({ etag: expect.stringMatching(/./), properties: null });
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

test('a ping is one operation about no device', async () => {
  await hub.ping(ms);
  expect(await counts()).toEqual({ 'GET /statistics/devices': { 200: 1 } });
});

test('that a device exists already is an answer, after one operation, and changes nothing', async () => {
  await hub.create('twice', thumbprints('A'), ms);
  await counts();
  expect(await hub.create('twice', thumbprints('B'), ms)).toBe('exists');
  expect(await counts()).toEqual({ 'PUT /devices/{id}': { 409: 1 } });
  expect(await stored('twice')).toEqual(thumbprints('A'));
});

const oldVersion = { etag: 'b2xk', properties: null };

test('a device is updated with one operation', async () => {
  const created = await hub.create('changed', thumbprints('A'), ms);
  if (created === 'exists') throw new Error('unexpected');
  await counts();
  const updated = await hub.update('changed', thumbprints('B', 'A'), created, ms);
  expect(await counts()).toEqual({ 'PUT /devices/{id}': { 200: 1 } });
  expect(updated).toEqual(await versionOf('changed'));
  expect(await stored('changed')).toEqual(thumbprints('B', 'A'));
});

test('that there is no device to update is an answer, after one operation, and makes none', async () => {
  expect(await hub.update('nobody', thumbprints('A'), oldVersion, ms)).toBe('none');
  expect(await counts()).toEqual({ 'PUT /devices/{id}': { 404: 1 } });
  expect(await stored('nobody')).toBe('none');
});

test('a device is removed with one operation; that it is gone already is an answer', async () => {
  await hub.create('removed', thumbprints('A'), ms);
  await counts();
  expect(await hub.remove('removed', ms)).toBe('removed');
  expect(await hub.remove('removed', ms)).toBe('none');
  expect(await counts()).toEqual({ 'DELETE /devices/{id}': { 204: 1, 404: 1 } });
  expect(await stored('removed')).toBe('none');
});

test('an identity is read with one operation', async () => {
  await hub.create('read', thumbprints('A', 'B'), ms);
  await counts();
  expect(await stored('read')).toEqual(thumbprints('A', 'B'));
  expect(await counts()).toEqual({ 'GET /devices/{id}': { 200: 1 } });
});

test('thumbprints are compared in upper case, and one in a single slot counts for both', async () => {
  await sdk.registry.create(withThumbprint('lower', 'a'.repeat(64)));
  expect(await stored('lower')).toEqual(thumbprints('A'));
});

test('an identity of another kind exists, and can be made one with thumbprints', async () => {
  await sdk.registry.create({ deviceId: 'by-key', status: 'enabled' });
  expect(await stored('by-key')).toBeNull();
  await hub.update('by-key', thumbprints('A'), await versionOf('by-key'), ms);
  expect(await stored('by-key')).toEqual(thumbprints('A'));
});

test('a disabled identity is read as disabled', async () => {
  await sdk.registry.create({ ...withThumbprint('disabled', 'a'.repeat(64)), status: 'disabled' });
  expect(await hub.get('disabled', ms)).toMatchObject({ isDisabled: true, thumbprints: thumbprints('A') });
});

test('an identity with SHA-1 thumbprints is read as it is, and updated to SHA-256', async () => {
  await sdk.registry.create(withThumbprint('old', 'a'.repeat(40), 'b'.repeat(40)));
  expect(await stored('old')).toEqual(['A'.repeat(40), 'B'.repeat(40)]);
  await hub.update('old', thumbprints('C'), await versionOf('old'), ms);
  expect(await stored('old')).toEqual(thumbprints('C'));
});

test('an update replaces the thumbprints, and keeps every other property and the tags', async () => {
  const kept = {
    statusReason: 'gateway of hall 3',
    capabilities: { iotEdge: true },
    deviceScope: 'ms-azure-iot-edge://edge-637',
    parentScopes: ['ms-azure-iot-edge://above-637'],
  };
  await sdk.registry.create({ ...withThumbprint('edge', 'a'.repeat(64)), ...kept });
  await sdk.registry.updateTwin('edge', { tags: { site: 'north' } }, '*');
  const version = await hub.update('edge', thumbprints('B'), await versionOf('edge'), ms);
  expect(version).toMatchObject({ properties: kept });
  expect((await sdk.registry.get('edge')).responseBody).toMatchObject({ status: 'enabled', ...kept });
  expect((await sdk.registry.getTwin('edge')).responseBody.tags).toEqual({ site: 'north' });
  expect(await stored('edge')).toEqual(thumbprints('B'));
});

test('an identity that has changed since it was read is not replaced', async () => {
  await hub.create('raced', thumbprints('A'), ms);
  const version = await versionOf('raced');
  await sdk.registry.update({ ...withThumbprint('raced', 'a'.repeat(64)), status: 'disabled' });
  expect(await hub.update('raced', thumbprints('B'), version, ms)).toBe('changed');
  expect(await hub.get('raced', ms)).toMatchObject({ isDisabled: true, thumbprints: thumbprints('A') });
});

describe('a hub that answers 412 for a missing identity', () => {
  beforeAll(() => tell('PUT /registry', { missing: 412 }));
  afterAll(() => tell('PUT /registry', {}));

  test('has removed the identity', async () => {
    expect(await hub.remove('missing', ms)).toBe('none');
    expect(await counts()).toEqual({ 'DELETE /devices/{id}': { 412: 1 } });
  });

  test('has no identity of the version that an update names', async () => {
    expect(await hub.update('missing', thumbprints('A'), oldVersion, ms)).toBe('changed');
  });
});

test('a device id is one part of the path, whatever is in it', async () => {
  expect(await hub.create("a'b?c#d", thumbprints('A'), ms)).not.toBe('exists');
  await hub.update("a'b?c#d", thumbprints('B'), await versionOf("a'b?c#d"), ms);
  expect(await stored("a'b?c#d")).toEqual(thumbprints('B'));
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
  expect(await Promise.all(calls)).not.toContain('exists');
  expect(proxy.made()).toBe(16);
  await busy.get('many-1', ms);
  expect(proxy.made()).toBe(16);
  busy.close();
  await proxy.stop();
});
