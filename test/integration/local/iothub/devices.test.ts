import { type Client, Message } from 'azure-iot-device';
import { type IotHubEndpoints, startIotHub } from '../../../../local/simulators/iothub/startIotHub.js';
import type { Simulator } from '../../../../local/simulators/shared/runSimulator.js';
import { control, deviceClient, type Minted, mint, openRegistry, withThumbprint } from './hubClients.js';

describe('the MQTT server for devices', () => {
  const lines: string[] = [];
  let hub: Simulator<IotHubEndpoints>;
  let sdk: ReturnType<typeof openRegistry>;
  const clients: Client[] = [];
  beforeAll(async () => {
    const onEvent = (line: string) => lines.push(line);
    hub = await startIotHub({ httpsPort: 0, mqttPort: 0, unthrottled: true, onEvent });
    sdk = openRegistry(hub.endpoints);
  });
  afterAll(async () => {
    sdk.close();
    await hub.close();
  });
  afterEach(async () => {
    for (const each of clients.splice(0)) await each.close().catch(() => {});
  });

  const client = async (deviceId: string, credentials: Minted) => {
    const made = await deviceClient(hub.endpoints, deviceId, credentials);
    clients.push(made);
    return made;
  };
  const connect = async (deviceId: string, credentials: Minted) => {
    const device = await client(deviceId, credentials);
    await device.open();
    return device;
  };
  const disconnected = (device: Client) =>
    new Promise<void>((resolve) => device.once('disconnect', () => resolve()));
  const refused = { name: 'UnauthorizedError' };
  const telemetryOf = (deviceId: string) => control(hub.endpoints, `GET /telemetry?device=${deviceId}`);

  it('lets a device in with its registered certificate, and shows its telemetry', async () => {
    const credentials = await mint('shown');
    await sdk.registry.create(withThumbprint('shown', credentials.sha256));
    const device = await connect('shown', credentials);
    const message = new Message(JSON.stringify({ temperature: 21 }));
    message.properties.add('site', 'north & south');
    await device.sendEvent(message);
    expect(await telemetryOf('shown')).toEqual([
      {
        device: 'shown',
        at: expect.any(String),
        body: { temperature: 21 },
        properties: { site: 'north & south' },
      },
    ]);
    expect(lines).toContain('telemetry from shown: {"temperature":21}');
    expect((await sdk.registry.get('shown')).responseBody.connectionState).toBe('Connected');
    expect(await control(hub.endpoints, 'GET /connections')).toContain('shown');
  });

  it('accepts SHA-1 thumbprints, either thumbprint of the pair, and digits of either case', async () => {
    const [old, current] = await Promise.all([mint('pair'), mint('pair')]);
    await sdk.registry.create(withThumbprint('pair', old.sha1.toUpperCase(), current.sha1));
    await connect('pair', old);
    await connect('pair', current);
  });

  it('refuses another certificate, an unknown device, and one that is disabled', async () => {
    const [own, other] = await Promise.all([mint('strict'), mint('strict')]);
    await expect(connect('strict', own)).rejects.toMatchObject(refused);
    await sdk.registry.create(withThumbprint('strict', own.sha256));
    await expect(connect('strict', other)).rejects.toMatchObject(refused);
    await sdk.registry.update({ ...withThumbprint('strict', own.sha256), status: 'disabled' });
    await expect(connect('strict', own)).rejects.toMatchObject(refused);
    expect(lines).toContain('device strict refused: the certificate is not the registered one');
  });

  it('refuses the certificate of another registered device', async () => {
    const [alice, bob] = await Promise.all([mint('alice'), mint('bob')]);
    await sdk.registry.create(withThumbprint('alice', alice.sha256));
    await sdk.registry.create(withThumbprint('bob', bob.sha256));
    await expect(connect('alice', bob)).rejects.toMatchObject(refused);
  });

  it('refuses certificates before and after their validity', async () => {
    const day = 24 * 3_600_000;
    const early = await mint('early', { from: day, to: 2 * day });
    const expired = await mint('expired', { from: -2 * day, to: -day });
    await sdk.registry.create(withThumbprint('early', early.sha256));
    await sdk.registry.create(withThumbprint('expired', expired.sha256));
    await expect(connect('early', early)).rejects.toMatchObject(refused);
    await expect(connect('expired', expired)).rejects.toMatchObject(refused);
  });

  it('refuses a device that is registered with a symmetric key', async () => {
    const credentials = await mint('sas');
    await sdk.registry.create({ deviceId: 'sas' });
    await expect(connect('sas', credentials)).rejects.toMatchObject(refused);
  });

  it.each([
    ['deleted', () => sdk.registry.delete('leaver')],
    [
      'disabled',
      () => sdk.registry.update({ ...withThumbprint('leaver', 'a'.repeat(64)), status: 'disabled' }),
    ],
    ['given another thumbprint', () => sdk.registry.update(withThumbprint('leaver', 'a'.repeat(64)))],
  ])('closes the connection of a device that is %s', async (_what, change) => {
    const credentials = await mint('leaver');
    await sdk.registry.delete('leaver').catch(() => {});
    await sdk.registry.create(withThumbprint('leaver', credentials.sha256));
    const device = await connect('leaver', credentials);
    const gone = disconnected(device);
    await change();
    await gone;
    expect(await control(hub.endpoints, 'GET /connections')).not.toContain('leaver');
  });

  it('keeps the connection of a device whose certificate becomes the second of the pair', async () => {
    const [old, next] = await Promise.all([mint('rotating'), mint('rotating')]);
    await sdk.registry.create(withThumbprint('rotating', old.sha256));
    const device = await connect('rotating', old);
    await sdk.registry.update(withThumbprint('rotating', next.sha256, old.sha256));
    await device.sendEvent(new Message('still here'));
    expect(await telemetryOf('rotating')).toMatchObject([{ body: 'still here' }]);
  });

  it('has one connection for each device: the newer one stays', async () => {
    const credentials = await mint('twice');
    await sdk.registry.create(withThumbprint('twice', credentials.sha256));
    const older = await connect('twice', credentials);
    const gone = disconnected(older);
    const newer = await connect('twice', credentials);
    await gone;
    await newer.sendEvent(new Message('newer'));
    expect(await telemetryOf('twice')).toMatchObject([{ body: 'newer' }]);
    expect(await control(hub.endpoints, 'GET /connections')).toContain('twice');
  });

  it('lets a device read its twin, report properties, and wait for methods and messages', async () => {
    const credentials = await mint('twin');
    await sdk.registry.create(withThumbprint('twin', credentials.sha256));
    const device = await connect('twin', credentials);
    device.onDeviceMethod('restart', () => {});
    device.on('message', () => {});
    const twin = await device.getTwin();
    await new Promise<void>((resolve, reject) => {
      twin.properties.reported.update({ os: { name: 'balenaOS', beta: null } }, (error?: Error) =>
        error ? reject(error) : resolve(),
      );
    });
    const again = await new Promise<{ properties: { reported: object } }>((resolve, reject) => {
      twin.get((error, read) => (read ? resolve(read) : reject(error)));
    });
    expect(again.properties.reported).toMatchObject({ os: { name: 'balenaOS' }, $version: 2 });
  });
});
