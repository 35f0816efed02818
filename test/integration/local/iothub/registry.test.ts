import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type IotHubEndpoints, startIotHub } from '../../../../local/simulators/iothub/startIotHub.js';
import type { Simulator } from '../../../../local/simulators/shared/runSimulator.js';
import { openRegistry, rawCall, statusOf, withThumbprint } from './hubClients.js';

const sha256 = 'aB'.repeat(32);
const otherSha256 = 'cd'.repeat(32);

describe('the identity registry', () => {
  let folder: string;
  let hub: Simulator<IotHubEndpoints>;
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
    expect(await rawCall(hub.endpoints, call)).toMatchObject({
      status: 412,
      body: { Message: expect.stringMatching(/^ErrorCode:PreconditionFailed;/) },
    });
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

  it('holds 500 devices in the free tier', async () => {
    const free = await startIotHub({ httpsPort: 0, mqttPort: 0, tier: 'F1', unthrottled: true });
    const { registry, close } = openRegistry(free.endpoints);
    for (let each = 0; each < 5; each += 1) {
      await registry.addDevices(
        Array.from({ length: 100 }, (_, at) => withThumbprint(`${each}-${at}`, sha256)),
      );
    }
    await expect(registry.create(withThumbprint('one-more', sha256))).rejects.toMatchObject({
      name: 'TooManyDevicesError',
      response: { statusCode: 403 },
    });
    close();
    await free.close();
  });
});
