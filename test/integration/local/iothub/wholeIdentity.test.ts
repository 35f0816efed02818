import { type IotHubEndpoints, startIotHub } from '../../../../local/simulators/iothub/startIotHub.js';
import type { Simulator } from '../../../../local/simulators/shared/runSimulator.js';
import { control, openRegistry, rawCall, statusOf, withThumbprint } from './hubClients.js';

const sha256 = 'aB'.repeat(32);
const otherSha256 = 'cd'.repeat(32);
const deviceScope = 'ms-azure-iot-edge://gateway-637';

describe('an identity that an update replaces', () => {
  let hub: Simulator<IotHubEndpoints>;
  let sdk: ReturnType<typeof openRegistry>;
  beforeAll(async () => {
    hub = await startIotHub({ httpsPort: 0, mqttPort: 0, unthrottled: true });
    sdk = openRegistry(hub.endpoints);
  });
  afterAll(async () => {
    sdk.close();
    await hub.close();
  });
  afterEach(() => control(hub.endpoints, 'PUT /registry', {}));

  const edge = (deviceId: string) => ({
    ...withThumbprint(deviceId, sha256),
    status: 'disabled' as const,
    statusReason: 'stolen',
    capabilities: { iotEdge: true },
    deviceScope,
  });
  const read = async (deviceId: string) => (await sdk.registry.get(deviceId)).responseBody;

  it('keeps what a create sends', async () => {
    await sdk.registry.create(edge('kept'));
    const { authentication: _, ...kept } = edge('kept');
    expect(await read('kept')).toMatchObject(kept);
  });

  it('loses capabilities, status, reason and scope that the update does not send', async () => {
    await sdk.registry.create(edge('replaced'));
    await sdk.registry.update(withThumbprint('replaced', otherSha256));
    const identity = await read('replaced');
    expect(identity).toMatchObject({
      status: 'enabled',
      statusReason: null,
      capabilities: { iotEdge: false },
      authentication: { x509Thumbprint: { primaryThumbprint: otherSha256 } },
    });
    expect(identity).not.toHaveProperty('deviceScope');
  });

  it('keeps everything if the update sends the whole identity back', async () => {
    await sdk.registry.create(edge('sent-back'));
    const { authentication: _, ...rest } = await read('sent-back');
    const { authentication } = withThumbprint('sent-back', otherSha256);
    await sdk.registry.update({ ...rest, authentication });
    const { authentication: __, ...kept } = edge('sent-back');
    expect(await read('sent-back')).toMatchObject(kept);
  });

  it('keeps the tags of the twin, until the identity is deleted', async () => {
    await sdk.registry.create(withThumbprint('tagged', sha256));
    await sdk.registry.updateTwin('tagged', { tags: { site: 'north', floor: 3 } }, '*');
    await sdk.registry.updateTwin('tagged', { tags: { floor: null } }, '*');
    await sdk.registry.update(withThumbprint('tagged', otherSha256));
    expect((await sdk.registry.getTwin('tagged')).responseBody).toMatchObject({ tags: { site: 'north' } });
    await sdk.registry.delete('tagged');
    await sdk.registry.create(withThumbprint('tagged', sha256));
    expect((await sdk.registry.getTwin('tagged')).responseBody.tags).toEqual({});
  });

  it('counts the versions of twin and identity apart', async () => {
    const { responseBody: created } = await sdk.registry.create(withThumbprint('versions', sha256));
    const { responseBody: before } = await sdk.registry.getTwin('versions');
    await sdk.registry.updateTwin('versions', { tags: { a: 1 } }, before.etag);
    expect((await read('versions')).etag).toBe(created.etag);
    expect(await statusOf(sdk.registry.updateTwin('versions', { tags: { a: 2 } }, before.etag))).toBe(412);
  });

  it('is replaced only in the version that the update names', async () => {
    const { responseBody } = await sdk.registry.create(withThumbprint('version', sha256));
    const update = (etag: string) =>
      rawCall(hub.endpoints, {
        method: 'PUT',
        path: '/devices/version',
        headers: { 'if-match': `"${etag}"` },
        body: JSON.stringify(withThumbprint('version', otherSha256)),
      });
    expect(await update('b2xk')).toMatchObject({ status: 412 });
    expect(await update(String(responseBody.etag))).toMatchObject({ status: 200 });
    expect(await update(String(responseBody.etag))).toMatchObject({ status: 412 });
  });

  it.each([404, 412])('that is missing is answered %i, as the test chooses', async (missing) => {
    await control(hub.endpoints, 'PUT /registry', { missing });
    expect(await statusOf(sdk.registry.update(withThumbprint('missing', sha256)))).toBe(missing);
    expect(await statusOf(sdk.registry.delete('missing'))).toBe(missing);
    expect(await statusOf(sdk.registry.get('missing'))).toBe(404);
  });

  it('that is new cannot be read for some time, as the test chooses, and cannot be created again', async () => {
    await control(hub.endpoints, 'PUT /registry', { unreadableMs: 3_600_000 });
    await sdk.registry.create(withThumbprint('new', sha256));
    expect(await statusOf(sdk.registry.get('new'))).toBe(404);
    expect(await statusOf(sdk.registry.create(withThumbprint('new', sha256)))).toBe(409);
    expect(await statusOf(sdk.registry.update(withThumbprint('new', otherSha256)))).toBe(0);
    await control(hub.endpoints, 'PUT /registry', { unreadableMs: 0 });
    expect(await statusOf(sdk.registry.get('new'))).toBe(0);
  });

  it('says what to send for rules that make no sense', async () => {
    await expect(control(hub.endpoints, 'PUT /registry', { missing: 500 })).rejects.toThrow(/^400 .*missing/);
  });
});
