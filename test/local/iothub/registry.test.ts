import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SharedAccessSignature } from 'azure-iothub';
import { type IotHubEndpoints, startIotHub } from '../../../local/iothub/startIotHub.js';
import type { StandIn } from '../../../local/runStandIn.js';
import { openRegistry, statusOf, withThumbprint } from './hubClients.js';

const sha256 = 'aB'.repeat(32);
const otherSha256 = 'cd'.repeat(32);

describe('the identity registry', () => {
  let folder: string;
  let hub: StandIn<IotHubEndpoints>;
  let sdk: ReturnType<typeof openRegistry>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'iothub-test-'));
    hub = await startIotHub({ httpsPort: 0, mqttPort: 0, folder, unthrottled: true });
    sdk = openRegistry(hub.endpoints);
  });
  afterAll(async () => {
    sdk.close();
    await hub.close();
    await rm(folder, { recursive: true });
  });

  it("creates a device once, and answers the hub's 409 the second time", async () => {
    const { responseBody } = await sdk.registry.create(withThumbprint('once', sha256));
    expect(responseBody).toMatchObject({
      deviceId: 'once',
      etag: expect.stringMatching(/./),
      generationId: expect.stringMatching(/^\d{18}$/),
      status: 'enabled',
      connectionState: 'Disconnected',
      authentication: {
        type: 'selfSigned',
        x509Thumbprint: { primaryThumbprint: sha256, secondaryThumbprint: null },
      },
    });
    await expect(sdk.registry.create(withThumbprint('once', sha256))).rejects.toMatchObject({
      name: 'DeviceAlreadyExistsError',
      message: "A device with ID 'once' is already registered.",
      responseBody: expect.stringMatching(
        /^{"Message":"ErrorCode:DeviceAlreadyExists;.*","ExceptionMessage":"Tracking ID:[0-9A-F]{32}-G:0-TimeStamp:\d\d\/\d\d\/\d{4} [\d:]{8}"}$/,
      ),
      response: { statusCode: 409, headers: { 'iothub-errorcode': 'DeviceAlreadyExists' } },
    });
  });

  it('updates and deletes what is there, and answers DeviceNotFound for what is not', async () => {
    const notFound = { name: 'DeviceNotFoundError', response: { statusCode: 404 } };
    await expect(sdk.registry.update(withThumbprint('gone', sha256))).rejects.toMatchObject(notFound);
    await expect(sdk.registry.delete('gone')).rejects.toMatchObject(notFound);
    await expect(sdk.registry.get('gone')).rejects.toMatchObject(notFound);

    const { responseBody: created } = await sdk.registry.create(withThumbprint('gone', sha256));
    const { responseBody: updated } = await sdk.registry.update(withThumbprint('gone', otherSha256, sha256));
    expect(updated.generationId).toBe(created.generationId);
    expect(updated.etag).not.toBe(created.etag);
    expect((await sdk.registry.get('gone')).responseBody.authentication).toMatchObject({
      x509Thumbprint: { primaryThumbprint: otherSha256, secondaryThumbprint: sha256 },
    });
    await sdk.registry.delete('gone');
    await expect(sdk.registry.get('gone')).rejects.toMatchObject(notFound);
  });

  it('refuses a change that names another etag than the device has', async () => {
    const { responseBody } = await sdk.registry.create(withThumbprint('etag', sha256));
    const devices = [{ ...withThumbprint('etag', sha256), etag: 'b2xk' }];
    await expect(sdk.registry.updateDevices(devices, false)).rejects.toMatchObject({
      responseBody: expect.stringContaining('PreconditionFailed'),
    });
    const current = [{ ...withThumbprint('etag', otherSha256), etag: responseBody.etag }];
    expect((await sdk.registry.updateDevices(current, false)).responseBody.isSuccessful).toBe(true);
    const call = {
      method: 'DELETE',
      path: '/devices/etag',
      headers: { 'if-match': `"${responseBody.etag}"` },
    };
    expect(await raw(call)).toMatchObject({
      status: 412,
      body: { Message: expect.stringMatching(/^ErrorCode:PreconditionFailed;/) },
    });
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
    expect(await raw({ ...call, body: JSON.stringify({ deviceId: 'two' }) })).toMatchObject({ status: 400 });
    expect(await raw({ ...call, body: '{}' })).toMatchObject({ status: 400 });
    expect(await raw({ ...call, body: '{' })).toMatchObject({ status: 400 });
  });

  it('refuses a call without api-version, an unknown path and an unknown method', async () => {
    const refused = (code: string) => ({ Message: expect.stringContaining(`ErrorCode:${code};`) });
    expect(await raw({ path: '/devices', version: '' })).toMatchObject({
      status: 400,
      body: refused('InvalidProtocolVersion'),
    });
    expect(await raw({ path: '/nothing' })).toMatchObject({ status: 404, body: refused('ResourceNotFound') });
    expect(await raw({ path: '/devices', method: 'PATCH' })).toMatchObject({ status: 405 });
    expect(await raw({ path: '/devices/once', method: 'DELETE' })).toMatchObject({ status: 400 });
  });

  it('lists devices, at most 1,000, and counts them', async () => {
    const { responseBody: before } = await sdk.registry.getRegistryStatistics();
    for (let each = 0; each < 11; each += 1) {
      const devices = Array.from({ length: 100 }, (_, at) => withThumbprint(`list-${each}-${at}`, sha256));
      expect((await sdk.registry.addDevices(devices)).responseBody.isSuccessful).toBe(true);
    }
    expect((await sdk.registry.list()).responseBody).toHaveLength(1000);
    const { responseBody: after } = await sdk.registry.getRegistryStatistics();
    expect(after.totalDeviceCount - before.totalDeviceCount).toBe(1100);
    await sdk.registry.update({ ...withThumbprint('list-0-0', sha256), status: 'disabled' });
    await sdk.registry.delete('list-0-1');
    expect((await sdk.registry.getRegistryStatistics()).responseBody).toEqual({
      totalDeviceCount: after.totalDeviceCount - 1,
      enabledDeviceCount: after.enabledDeviceCount - 2,
      disabledDeviceCount: 1,
    });
  });

  it('does what it can of a bulk call, and names what it could not', async () => {
    const [first, second] = [withThumbprint('bulk-1', sha256), withThumbprint('bulk-2', sha256)];
    await sdk.registry.create(first);
    const failed: { response: { statusCode: number }; responseBody: string } = await sdk.registry
      .addDevices([first, second])
      .then(
        () => Promise.reject(new Error('was not refused')),
        (error) => error,
      );
    expect(failed.response.statusCode).toBe(400);
    expect(JSON.parse(failed.responseBody)).toEqual({
      isSuccessful: false,
      errors: [{ deviceId: 'bulk-1', errorCode: 'DeviceAlreadyExists', errorStatus: expect.any(String) }],
      warnings: [],
    });
    expect((await sdk.registry.get('bulk-2')).responseBody.deviceId).toBe('bulk-2');
    await sdk.registry.removeDevices([first, second], true);
    expect(await statusOf(sdk.registry.get('bulk-1'))).toBe(404);
  });

  it('refuses bulk calls of more than 100 devices, or with a device twice', async () => {
    const many = Array.from({ length: 101 }, (_, at) => ({ id: `m-${at}`, importMode: 'create' }));
    const call = { method: 'POST', path: '/devices' };
    expect(await raw({ ...call, body: JSON.stringify(many) })).toMatchObject({ status: 400 });
    const twice = [withThumbprint('same', sha256), withThumbprint('same', sha256)];
    expect(await statusOf(sdk.registry.addDevices(twice))).toBe(400);
  });

  it('pages through a query for all devices, and finds one', async () => {
    const query = sdk.registry.createQuery('SELECT * FROM devices', 100);
    const ids = new Set<string>();
    while (query.hasMoreResults) {
      const { result } = await query.next(query.continuationToken); // Without it, always the first page.
      for (const { deviceId } of result as Array<{ deviceId: string }>) ids.add(deviceId);
    }
    const { responseBody } = await sdk.registry.getRegistryStatistics();
    expect(ids.size).toBe(responseBody.totalDeviceCount);
    const one = await sdk.registry.createQuery("SELECT * FROM devices WHERE deviceId = 'once'").next();
    expect(one.result).toMatchObject([{ deviceId: 'once' }]);
    expect(await statusOf(sdk.registry.createQuery('SELECT name FROM devices').next())).toBe(400);
  });

  describe('with shared access policies', () => {
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
        sign(resource, Math.floor(Date.now() / 1000) + secondsFromNow);
      const refused = { status: 401, body: { Message: 'ErrorCode:IotHubUnauthorizedAccess;Unauthorized' } };
      const call = { path: '/devices/once' };
      expect(await raw({ ...call, authorization: token('localhost%2Fdevices', 60) })).toMatchObject({
        status: 200,
      });
      expect(await raw({ ...call, authorization: token('localhost', -1) })).toMatchObject(refused);
      expect(await raw({ ...call, authorization: token('other.azure-devices.net', 60) })).toMatchObject(
        refused,
      );
      expect(await raw({ ...call, authorization: token('localhost%2Fjobs', 60) })).toMatchObject(refused);
      expect(await raw({ ...call, authorization: 'Bearer abc' })).toMatchObject(refused);
      expect(await raw({ ...call, authorization: undefined })).toMatchObject(refused);
    });
  });

  const sign = (resource: string, expiry: number) => {
    const [, key = ''] = /SharedAccessKey=(.*)$/.exec(hub.endpoints.connectionString) ?? [];
    return SharedAccessSignature.create(resource, 'iothubowner', key, expiry).toString();
  };

  /** A call that the SDK would not make. */
  async function raw(call: {
    path: string;
    method?: string;
    body?: string;
    headers?: Record<string, string>;
    version?: string;
    authorization?: string | undefined;
  }) {
    const { request, Agent } = await import('node:https');
    const { path, method = 'GET', body, version = '?api-version=2021-04-12' } = call;
    const authorization =
      'authorization' in call ? call.authorization : sign('localhost', Math.floor(Date.now() / 1000) + 60);
    const ca = await readFile(hub.endpoints.caFile);
    return new Promise((resolve, reject) => {
      const headers = { ...call.headers, ...(authorization && { authorization }) };
      const agent = new Agent({ ca });
      const options = {
        host: 'localhost',
        port: hub.endpoints.httpsPort,
        path: path + version,
        method,
        headers,
        agent,
      };
      request(options, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        agent.destroy();
        resolve({ status: response.statusCode, body: text && JSON.parse(text) });
      })
        .on('error', reject)
        .end(body);
    });
  }
});
