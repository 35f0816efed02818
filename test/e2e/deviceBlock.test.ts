import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { onPath } from '../../local/infra/nuget.js';
import { freePort } from '../../local/simulators/shared/loopback.js';
import { rotate } from '../../src/fleet/rotate.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { findLeaks } from './support/findLeaks.js';
import {
  type Pair,
  type RunningScript,
  type ScriptedDevice,
  scriptedDevice,
} from './support/ownKeyScript.js';
import { readFiles } from './support/readFiles.js';
import { readTables } from './support/readTables.js';
import { useSystem } from './support/useSystem.js';

const missing: string[] = [];
for (const program of ['sh', 'openssl', 'curl']) if (!(await onPath(program))) missing.push(program);

if (missing.length > 0)
  test('the programs of the device are missing', () => {
    console.warn(`NOT CHECKED: device/own-key.sh, because this machine does not have ${missing.join(', ')}.`);
  });
else await declareTests();

async function declareTests(): Promise<void> {
  const system = await useSystem({ settings: { FLEETS: 'local/demo' } });
  const { balena, hub, stack } = system;
  const { url, provisionKey } = stack.endpoints.functions;
  const app = appOf(system);
  const day = 86_400;

  async function newDevice(fleet?: string): Promise<ScriptedDevice> {
    const [device] = await balena.tell<{ uuid: string; apiKey: string }[]>('POST /devices', { fleet });
    if (!device) throw new Error('the balena simulator made no device');
    return scriptedDevice(device, `${url}/api/provision?code=${provisionKey}`);
  }

  /** Waits until the script has printed a text. */
  const says = (script: RunningScript, text: RegExp) =>
    waitFor(`the script says ${text}`, () => {
      if (!text.test(script.output())) throw new Error(script.output());
      return true;
    });

  /** Runs the script until the hub accepts the certificate. @returns the pair in device.pem, and the output */
  async function settled(
    device: ScriptedDevice,
    env?: Record<string, string>,
  ): Promise<Pair & { output: string }> {
    const script = device.start('once', env);
    const code = await script.ended;
    if (code !== 0) throw new Error(`the script ended with ${code}: ${script.output()}`);
    const pair = await device.pair('device.pem');
    if (!pair) throw new Error('there is no device.pem');
    expect(await device.pair('next.pem')).toBeNull();
    expect(await hub.thumbprints(device.uuid)).toContain(pair.thumbprint);
    return { ...pair, output: script.output() };
  }

  async function sends(device: ScriptedDevice, n: number): Promise<void> {
    const pair = await device.pair('device.pem');
    if (!pair) throw new Error('there is no device.pem');
    // As a service does: one file is the certificate and the key.
    const { uuid } = device;
    const connection = await system.connect(uuid, {
      cert: pair.pem,
      key: pair.pem,
      thumbprint: pair.thumbprint,
      subject: `CN=${uuid}`,
      matches: true,
    });
    await connection.send({ n });
    await connection.close();
    await waitFor(`telemetry ${n} arrived`, async () =>
      (await hub.telemetry(uuid)).some(({ body }) => JSON.stringify(body).includes(`"n":${n}`)),
    );
  }

  test('from the first boot to telemetry, and through a renewal: no secret leaves the device', async () => {
    const device = await newDevice();
    const first = await settled(device);
    expect((await stat(join(device.volume, 'device.pem'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(device.volume, 'hub-host'), 'utf8')).toBe('localhost\n');
    await sends(device, 1);
    // A restart changes nothing.
    expect((await settled(device)).thumbprint).toBe(first.thumbprint);

    await device.moveClock(0.77 * 365 * day);
    expect((await settled(device)).thumbprint).toBe(first.thumbprint);
    await device.moveClock(0.81 * 365 * day);
    const second = await settled(device);
    expect(await hub.thumbprints(device.uuid)).toEqual([second.thumbprint, first.thumbprint]);
    await sends(device, 2);

    const { functions, tables } = stack.endpoints;
    const keys = { 'the first key': first.key, 'the second key': second.key };
    const places = {
      ...(await readFiles(system.folder, [])),
      'output of the system': system.lines.join('\n'),
      tables: await readTables(tables?.connectionString ?? ''),
    };
    expect(findLeaks(keys, places)).toEqual([]);
    const onDevice = { log: first.output + second.output, 'process list': await device.calls() };
    expect(onDevice['process list']).toContain('curl --disable --config -');
    const secrets = { ...keys, 'API key': device.apiKey, 'function key': functions.provisionKey };
    expect(findLeaks(secrets, onDevice)).toEqual([]);
  });

  test('a power failure after each step of the first boot and of a renewal leaves a device that is never cut off', async () => {
    const later = String(Math.ceil(0.81 * 365 * day));
    const lives = async (step: number): Promise<boolean> => {
      const device = await newDevice();
      const firstBoot = await interrupted(device, step);
      const first = await settled(device);
      await device.moveClock(Number(later));
      const renewal = await interrupted(device, step);
      // The certificate in use is one that the hub accepts, at each moment.
      const between = await device.pair('device.pem');
      expect(await hub.thumbprints(device.uuid)).toContain(between?.thumbprint);
      const second = await settled(device);
      expect(second.thumbprint).not.toBe(first.thumbprint);
      return firstBoot || renewal;
    };
    /** @returns false if the script reached its end before the step */
    const interrupted = async (device: ScriptedDevice, step: number) => {
      const before = await device.steps();
      return (await device.start('once', { KILL_AFTER: String(before + step) }).ended) === null;
    };
    let step = 1;
    for (let more = true; more; step += 2)
      more = (await Promise.all([lives(step), lives(step + 1)])).every(Boolean);
    // The first boot alone has so many steps.
    expect(step).toBeGreaterThan(8);
  });

  test('a lost volume, and files that a power failure has torn, lead to a new key', async () => {
    const device = await newDevice();
    const first = await settled(device);
    await rm(device.volume, { recursive: true });
    const second = await settled(device);
    expect(await hub.thumbprints(device.uuid)).toEqual([second.thumbprint, first.thumbprint]);
    await writeFile(join(device.volume, 'device.pem'), second.key);
    await writeFile(join(device.volume, 'next.pem'), '');
    await writeFile(join(device.volume, 'next.tmp'), second.pem.slice(0, 300));
    expect((await settled(device)).thumbprint).not.toBe(second.thumbprint);
    await sends(device, 1);
  });

  test('with a clock at 1970, the script waits for the time and makes no certificate', async () => {
    const device = await newDevice();
    await device.moveClock(-Math.floor(Date.now() / 1_000) + 60);
    const script = device.start('once');
    await says(script, /The clock shows 1970-01-01.*\n.*The clock shows 1970-01-01/);
    expect(await device.calls()).not.toMatch(/openssl req|curl/);
    await device.moveClock(0);
    expect(await script.ended).toBe(0);
    await sends(device, 1);
  });

  test('a refused request is explained, and repeated more and more slowly', async () => {
    await balena.tell('POST /fleets', { slug: 'local/other', services: ['main'] });
    const stranger = (await newDevice('local/other')).start('once');
    await says(
      stranger,
      /An operator has to serve the fleet.* 403 provision.fleet-not-served.* follows in 10 s/,
    );
    await says(stranger, /follows in 20 s/);
    stranger.kill();

    const device = await newDevice();
    const wrongKey = device.start('once', { BALENA_API_KEY: 'wrong' });
    await says(wrongKey, /or the API key of the device.*401 provision.proof-wrong/);
    wrongKey.kill();
    await wrongKey.ended;

    const other = await newDevice();
    const tooLong = other.start('once', { CERT_DAYS: '400' });
    await says(tooLong, /422 provision.request.certificate-too-long.*\n.*makes a new private key/);
    tooLong.kill();
    await tooLong.ended;
    // The refused certificate is replaced.
    expect((await settled(other)).output).toMatch(/certificate-too-long/);
  });

  test('a missing or unsafe setting ends the script with a message', async () => {
    const device = await newDevice();
    for (const [env, message] of [
      [{ BALENA_API_KEY: '' }, /needs the label io.balena.features.balena-api/],
      [{ BALENA_API_KEY: 'x"\nurl = "http://localhost' }, /has a character that no API key has/],
      [{ PROVISION_URL: 'http://example.com/api/provision' }, /must begin with https/],
      [{ BALENA_DEVICE_UUID: '' }, /BALENA_DEVICE_UUID is missing/],
    ] as const) {
      const script = device.start('once', env);
      expect(await script.ended).toBe(2);
      expect(script.output()).toMatch(message);
    }
  });

  test('while the provisioner or the hub cannot be reached, the script says so and waits', async () => {
    const device = await newDevice();
    const alone = device.start('once', { PROVISION_URL: 'http://127.0.0.1:1/api/provision' });
    await says(alone, /The provisioner cannot be reached: is the network up\?.*\n.*follows in 20 s/);
    alone.kill();
    await alone.ended;

    await hub.fault({
      method: 'PUT',
      path: device.uuid,
      status: 429,
      headers: { 'retry-after': '1' },
      times: 1,
    });
    expect((await settled(device)).output).toMatch(/waits for the hub to accept the certificate/);
  });

  test('an issued key ends when a service has shown that the device uses its own key', async () => {
    const device = await newDevice();
    await system.post(device.uuid, 'main');
    await system.state(device.uuid, 'provisioned');
    await settled(device);
    expect(await balena.variables(device.uuid)).toHaveProperty('main.AZURE_PRIVATE_KEY');
    await writeFile(join(device.volume, 'in-use'), '');
    const { thumbprint } = await settled(device);
    await waitFor('the hub forgets the issued key', async () =>
      (await hub.thumbprints(device.uuid))?.every((each) => each === thumbprint),
    );
    await waitFor(
      'the issued key is gone',
      async () => Object.keys(await balena.variables(device.uuid)).length === 0,
    );
  });

  test('a device that was removed from the hub is registered again', async () => {
    const device = await newDevice();
    const first = await settled(device);
    await system.call('DELETE', `/api/provision/${device.uuid}`, {
      key: stack.endpoints.functions.deprovisionKey,
    });
    await system.state(device.uuid, 'deprovisioned');
    expect((await settled(device)).thumbprint).toBe(first.thumbprint);
    await sends(device, 1);
  });

  test('after a revocation, the script makes a new key', async () => {
    const device = await newDevice();
    const { thumbprint } = await settled(device);
    await rotate(app, device.uuid, { revoke: true });
    await system.state(device.uuid, 'failed');
    const { thumbprint: fresh, output } = await settled(device);
    expect(output).toMatch(/422 certificate-revoked/);
    expect(fresh).not.toBe(thumbprint);
    expect(await hub.thumbprints(device.uuid)).not.toContain(thumbprint);
  });

  const mosquitto = await onPath('mosquitto');
  if (mosquitto)
    test('a local client sends telemetry through the bridge', async () => {
      const device = await newDevice();
      await settled(device);
      const port = await freePort();
      const bridge = device.start('bridge', {
        HUB_PORT: String(stack.endpoints.iotHub?.mqttPort),
        HUB_CA: stack.endpoints.iotHub?.caFile ?? '',
        MQTT_PORT: String(port),
      });
      await waitFor('telemetry arrived through the bridge', async () => {
        await publish(port, 'telemetry', '{"local":true}');
        return (await hub.telemetry(device.uuid)).some(({ body }) => JSON.stringify(body).includes('local'));
      });
      bridge.kill();
    });
  else
    test('mosquitto is missing', () => {
      console.warn(
        'NOT CHECKED: the bridge of device/own-key.sh, because this machine does not have mosquitto.',
      );
    });
}

/** Connects to a broker on this machine as a client of MQTT 3.1.1, and publishes a message with QoS 1. Ends with the acknowledgement. */
async function publish(port: number, topic: string, message: string): Promise<void> {
  const text = (value: string) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)]);
  const packet = (type: number, ...parts: Buffer[]) => {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([type, body.length]), body]);
  };
  const socket = connect(port, '127.0.0.1');
  socket.write(packet(0x10, text('MQTT'), Buffer.from([4, 2, 0, 60]), text('local-client')));
  socket.write(packet(0x32, text(topic), Buffer.from([0, 1]), Buffer.from(message)));
  let received = Buffer.alloc(0);
  // CONNACK and PUBACK have four bytes each.
  for await (const part of socket) {
    received = Buffer.concat([received, part as Buffer]);
    if (received.length >= 8) break;
  }
  expect([...received]).toEqual([0x20, 2, 0, 0, 0x40, 2, 0, 1]);
}
