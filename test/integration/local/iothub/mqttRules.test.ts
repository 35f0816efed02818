import { type IotHubEndpoints, startIotHub } from '../../../../local/simulators/iothub/startIotHub.js';
import type { Simulator } from '../../../../local/simulators/shared/runSimulator.js';
import { waitFor } from '../../../support/waitFor.js';
import { control, type Minted, mint, openRegistry, withThumbprint } from './hubClients.js';
import { connectPacket, mqttSocket, publishPacket, subscribePacket } from './mqttSocket.js';

const accepted = Buffer.from([0x20, 2, 0, 0]);
const notAuthorized = Buffer.from([0x20, 2, 0, 5]);
const username = 'localhost/own/?api-version=2021-04-12&DeviceClientType=test';

describe('what a device may do over MQTT', () => {
  const lines: string[] = [];
  let hub: Simulator<IotHubEndpoints>;
  let credentials: Minted;
  beforeAll(async () => {
    hub = await startIotHub({ httpsPort: 0, mqttPort: 0, onEvent: (line) => lines.push(line) });
    credentials = await mint('own');
    const { registry, close } = openRegistry(hub.endpoints);
    await registry.create(withThumbprint('own', credentials.sha256));
    close();
  });
  afterAll(() => hub.close());
  beforeEach(() => control(hub.endpoints, 'DELETE /telemetry'));

  const connected = async () => {
    const socket = await mqttSocket(hub.endpoints, credentials);
    socket.send(connectPacket('own', username));
    expect(await socket.next()).toEqual(accepted);
    return socket;
  };

  it.each([
    ['names another hub', 'own', 'other.azure-devices.net/own/?api-version=2021-04-12'],
    ['names another device', 'own', 'localhost/other/?api-version=2021-04-12'],
    ['differs from the client id', 'other', username],
    ['has no api-version', 'own', 'localhost/own/?DeviceClientType=test'],
    ['is only the device id', 'own', 'own'],
  ])('is refused with CONNACK 5 and closed when its username %s', async (_what, clientId, name) => {
    const socket = await mqttSocket(hub.endpoints, credentials);
    socket.send(connectPacket(clientId, name));
    expect(await socket.untilClosed).toEqual(notAuthorized);
  });

  it('is refused without a certificate', async () => {
    const socket = await mqttSocket(hub.endpoints);
    socket.send(connectPacket('own', username));
    expect(await socket.untilClosed).toEqual(notAuthorized);
  });

  it('is refused with another version of MQTT', async () => {
    const socket = await mqttSocket(hub.endpoints, credentials);
    socket.send(connectPacket('own', username, 3));
    expect((await socket.untilClosed).subarray(0, 4)).not.toEqual(accepted);
  });

  it('publishes telemetry to its own topic', async () => {
    const socket = await connected();
    socket.send(publishPacket('devices/own/messages/events/a=b', '{"ok":true}'));
    expect(await socket.next()).toEqual(Buffer.from([0x40, 2, 0, 1]));
    expect(await control(hub.endpoints, 'GET /telemetry')).toMatchObject([
      { device: 'own', body: { ok: true }, properties: { a: 'b' } },
    ]);
    socket.close();
  });

  it.each([
    ['to the topic of another device', publishPacket('devices/other/messages/events/', 'x')],
    ['to a topic that is none of the hub', publishPacket('anything', 'x')],
    ['what only the hub may say', publishPacket('$iothub/twin/res/200/?$rid=1', 'x')],
    ['with QoS 2', publishPacket('devices/own/messages/events/', 'x', 2)],
    ['more than 256 KiB', publishPacket('devices/own/messages/events/', 'x'.repeat(256 * 1024 + 1))],
  ])('is disconnected without an answer when it publishes %s', async (_what, packet) => {
    const socket = await connected();
    socket.send(packet);
    expect(await socket.untilClosed).toEqual(accepted);
    expect(await control(hub.endpoints, 'GET /telemetry')).toEqual([]);
  });

  it.each([
    ['messages for it', 'devices/own/messages/devicebound/#', 0],
    ['messages for another', 'devices/other/messages/devicebound/#', 0x80],
    ['telemetry', 'devices/+/messages/events/#', 0x80],
    ['everything', '#', 0x80],
  ])('subscribes to what is its own: %s', async (_what, topic, granted) => {
    const socket = await connected();
    socket.send(subscribePacket(topic));
    expect(await socket.next()).toEqual(Buffer.from([0x90, 3, 0, 1, granted]));
    socket.close();
  });

  it.each([
    [0, 0],
    [1, 1],
    [2, 1],
  ] as const)('that requests QoS %i for a subscription is granted QoS %i', async (requested, granted) => {
    const socket = await connected();
    socket.send(subscribePacket('devices/own/messages/devicebound/#', requested));
    expect(await socket.next()).toEqual(Buffer.from([0x90, 3, 0, 1, granted]));
    socket.close();
  });

  it('sends a retained message as telemetry with a property that says so', async () => {
    const socket = await connected();
    socket.send(publishPacket('devices/own/messages/events/a=b', 'x', 1, true));
    expect(await socket.next()).toEqual(Buffer.from([0x40, 2, 0, 1]));
    expect(await control(hub.endpoints, 'GET /telemetry')).toMatchObject([
      { properties: { a: 'b', 'mqtt-retain': 'true' } },
    ]);
    socket.close();
  });

  it('has its will published, with the message type of a will, when the connection breaks', async () => {
    const socket = await mqttSocket(hub.endpoints, credentials);
    const will = { topic: 'devices/own/messages/events/a=b', payload: 'gone' };
    socket.send(connectPacket('own', username, 4, will));
    expect(await socket.next()).toEqual(accepted);
    socket.close();
    await waitFor(
      'the will has arrived',
      async () => (await control(hub.endpoints, 'GET /telemetry')).length > 0,
    );
    expect(await control(hub.endpoints, 'GET /telemetry')).toMatchObject([
      { device: 'own', body: 'gone', properties: { a: 'b', 'iothub-MessageType': 'Will' } },
    ]);
  });

  it('has one connection in the end when it connects several times at once', async () => {
    const sockets = await Promise.all(
      Array.from({ length: 4 }, () => mqttSocket(hub.endpoints, credentials)),
    );
    let open = sockets.length;
    const threeClosed = new Promise<void>((resolve) => {
      for (const { untilClosed } of sockets) {
        untilClosed.then(() => {
          open -= 1;
          if (open === 1) resolve();
        });
      }
    });
    for (const socket of sockets) socket.send(connectPacket('own', username));
    await threeClosed;
    expect(await control(hub.endpoints, 'GET /connections')).toEqual(['own']);
    for (const socket of sockets) socket.close();
  });

  it('cannot send control characters to a terminal', async () => {
    lines.length = 0;
    const socket = await mqttSocket(hub.endpoints, credentials);
    socket.send(connectPacket('a\n\u001b[2J', username));
    await socket.untilClosed;
    expect(lines).toEqual(['device a  [2J refused: the username and the client id differ']);
  });

  it('does not keep the hub from closing while it is silent', async () => {
    const other = await startIotHub({ httpsPort: 0, mqttPort: 0 });
    const { untilClosed } = await mqttSocket(other.endpoints, credentials);
    await other.close();
    expect(await untilClosed).toEqual(Buffer.alloc(0));
  });
});
