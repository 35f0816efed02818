import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IotHubEndpoints, startIotHub } from '../../../../local/simulators/iothub/startIotHub.js';
import type { Simulator } from '../../../../local/simulators/shared/runSimulator.js';
import { openRegistry, rawCall, sign, statusOf, withThumbprint } from './hubClients.js';

const sha256 = 'aB'.repeat(32);

const withKey = (primaryKey: string) => ({
  deviceId: 'bad',
  authentication: { type: 'sas' as const, symmetricKey: { primaryKey, secondaryKey: '' } },
});

describe('what the registry refuses', () => {
  let folder: string;
  let hub: Simulator<IotHubEndpoints>;
  let sdk: ReturnType<typeof openRegistry>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'iothub-test-'));
    hub = await startIotHub({ httpsPort: 0, mqttPort: 0, folder, unthrottled: true });
    sdk = openRegistry(hub.endpoints);
    await sdk.registry.create(withThumbprint('once', sha256));
  });
  afterAll(async () => {
    sdk.close();
    await hub.close();
    await rm(folder, { recursive: true });
  });

  it.each([
    ['a thumbprint of 39 digits', withThumbprint('bad', 'a'.repeat(39))],
    ['a thumbprint that is not hexadecimal', withThumbprint('bad', 'g'.repeat(64))],
    ['thumbprints of both kinds', withThumbprint('bad', sha256, 'a'.repeat(40))],
    [
      'a thumbprint without selfSigned',
      {
        ...withThumbprint('bad', sha256),
        authentication: { type: 'sas' as const, x509Thumbprint: { primaryThumbprint: sha256 } },
      },
    ],
    ['selfSigned without a thumbprint', { deviceId: 'bad', authentication: { type: 'selfSigned' as const } }],
    ['an unknown status', { ...withThumbprint('bad', sha256), status: 'on' as 'enabled' }],
    ['an unknown way to authenticate', { deviceId: 'bad', authentication: { type: 'x509' as 'sas' } }],
    ['a symmetric key that is not base64', withKey('this is no base64!')],
    ['a symmetric key of 15 bytes', withKey(Buffer.alloc(15).toString('base64'))],
    ['a symmetric key of 65 bytes', withKey(Buffer.alloc(65).toString('base64'))],
    ['a scope that is none', { ...withThumbprint('bad', sha256), deviceScope: 'gateway' }],
    ['an id with a space', withThumbprint('not good', sha256)],
    ['an id of 129 characters', withThumbprint('x'.repeat(129), sha256)],
  ])('refuses %s with 400', async (_what, device) => {
    await expect(sdk.registry.create(device)).rejects.toMatchObject({
      name: 'ArgumentError',
      responseBody: expect.stringContaining('ErrorCode:ArgumentInvalid;BadRequest: '),
      response: { statusCode: 400 },
    });
  });

  it('takes every character that the hub takes in an id', async () => {
    const id = "A-z:.+%_#*?!(),=@$'9";
    await sdk.registry.create(withThumbprint(id, sha256));
    expect((await sdk.registry.get(id)).responseBody.deviceId).toBe(id);
    await sdk.registry.delete(id);
  });

  it('refuses a body for another device than its path, one without an id, and one that is not JSON', async () => {
    const call = { method: 'PUT', path: '/devices/one' };
    expect(
      await rawCall(hub.endpoints, { ...call, body: JSON.stringify({ deviceId: 'two' }) }),
    ).toMatchObject({ status: 400 });
    expect(await rawCall(hub.endpoints, { ...call, body: '{}' })).toMatchObject({ status: 400 });
    expect(await rawCall(hub.endpoints, { ...call, body: '{' })).toMatchObject({ status: 400 });
  });

  it.each(['2021-04-13', '2099-01-01', '2021-04-12-preview', 'latest'])(
    'refuses the unknown api-version %s',
    async (version) => {
      const call = { path: '/devices/once', version: `?api-version=${version}` };
      expect(await rawCall(hub.endpoints, call)).toMatchObject({
        status: 400,
        body: { Message: expect.stringContaining('ErrorCode:InvalidProtocolVersion;') },
      });
    },
  );

  it.each([
    ['200', { path: '/devices/once' }],
    ['401', { path: '/devices/once', authorization: 'Bearer abc' }],
    ['404', { path: '/devices/nobody' }],
  ])('names the request in an answer with %s', async (status, call) => {
    expect(await rawCall(hub.endpoints, call)).toMatchObject({
      status: Number(status),
      headers: { 'x-ms-request-id': expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  it('refuses a call without api-version, an unknown path and an unknown method', async () => {
    const refused = (code: string) => ({ Message: expect.stringContaining(`ErrorCode:${code};`) });
    expect(await rawCall(hub.endpoints, { path: '/devices', version: '' })).toMatchObject({
      status: 400,
      body: refused('InvalidProtocolVersion'),
    });
    expect(await rawCall(hub.endpoints, { path: '/nothing' })).toMatchObject({
      status: 404,
      body: refused('ResourceNotFound'),
    });
    expect(await rawCall(hub.endpoints, { path: '/devices', method: 'PATCH' })).toMatchObject({
      status: 405,
    });
    expect(await rawCall(hub.endpoints, { path: '/devices/once', method: 'DELETE' })).toMatchObject({
      status: 400,
    });
  });

  it('refuses bulk calls of more than 100 devices, or with a device twice', async () => {
    const many = Array.from({ length: 101 }, (_, at) => ({ id: `m-${at}`, importMode: 'create' }));
    const call = { method: 'POST', path: '/devices' };
    expect(await rawCall(hub.endpoints, { ...call, body: JSON.stringify(many) })).toMatchObject({
      status: 400,
    });
    const twice = [withThumbprint('same', sha256), withThumbprint('same', sha256)];
    expect(await statusOf(sdk.registry.addDevices(twice))).toBe(400);
  });

  const as = async (policy: string, key?: string) => {
    const keys = JSON.parse(await readFile(join(folder, 'policies.json'), 'utf8'));
    const text = `HostName=localhost;SharedAccessKeyName=${policy};SharedAccessKey=${key ?? keys[policy]}`;
    const { registry, close } = openRegistry(hub.endpoints, text);
    return registry.get('once').then(
      async () => {
        const written = await statusOf(registry.update(withThumbprint('once', sha256)));
        close();
        return written === 0 ? 'write' : written;
      },
      (error) => {
        close();
        return error.name;
      },
    );
  };

  it('lets each policy do what it is for', async () => {
    expect(await as('iothubowner')).toBe('write');
    expect(await as('registryReadWrite')).toBe('write');
    expect(await as('registryRead')).toBe(401);
  });

  it('refuses an unknown policy and a wrong key', async () => {
    expect(await as('nobody', 'a2V5')).toBe('UnauthorizedError');
    expect(await as('iothubowner', 'a2V5')).toBe('UnauthorizedError');
  });

  it('refuses a token that has expired, is for another hub or for another path, or is none', async () => {
    const token = (resource: string, secondsFromNow: number) =>
      sign(hub.endpoints, resource, Math.floor(Date.now() / 1000) + secondsFromNow);
    const refused = { status: 401, body: { Message: 'ErrorCode:IotHubUnauthorizedAccess;Unauthorized' } };
    const call = { path: '/devices/once' };
    expect(
      await rawCall(hub.endpoints, { ...call, authorization: token('localhost%2Fdevices', 60) }),
    ).toMatchObject({
      status: 200,
    });
    expect(await rawCall(hub.endpoints, { ...call, authorization: token('localhost', -1) })).toMatchObject(
      refused,
    );
    expect(
      await rawCall(hub.endpoints, { ...call, authorization: token('other.azure-devices.net', 60) }),
    ).toMatchObject(refused);
    expect(
      await rawCall(hub.endpoints, { ...call, authorization: token('localhost%2Fjobs', 60) }),
    ).toMatchObject(refused);
    expect(await rawCall(hub.endpoints, { ...call, authorization: 'Bearer abc' })).toMatchObject(refused);
    expect(await rawCall(hub.endpoints, { ...call, authorization: undefined })).toMatchObject(refused);
  });
});
