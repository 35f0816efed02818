import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { readDocument } from '../../local/docs/documents.js';
import { onPath } from '../../local/infra/nuget.js';
import { freePort } from '../../local/simulators/shared/loopback.js';
import { rotate } from '../../src/fleet/rotate.js';
import { runnableBlocks } from '../support/documentCommands.js';
import { type BadEnding, type BadServer, startBadServer } from '../support/startBadServer.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { findLeaks } from './support/findLeaks.js';
import { canTrace, openedBy } from './support/openedBy.js';
import {
  type Pair,
  type RunningScript,
  type ScriptedDevice,
  scriptedDevice,
} from './support/ownKeyScript.js';
import { readFiles } from './support/readFiles.js';
import { readTables } from './support/readTables.js';
import { runCommands } from './support/runCommands.js';
import { useSystem } from './support/useSystem.js';

const missing: string[] = [];
for (const program of ['sh', 'openssl', 'curl']) if (!(await onPath(program))) missing.push(program);

if (missing.length > 0)
  test('the programs of the device are missing', () => {
    console.warn(`NOT CHECKED: device/own-key.sh, because this machine does not have ${missing.join(', ')}.`);
  });
else await declareTests();

async function declareTests(): Promise<void> {
  const system = await useSystem({ settings: { FLEETS: 'local/demo' }, devices: 2 });
  const { balena, hub, stack } = system;
  const { url, provisionKey } = stack.endpoints.functions;
  const app = appOf(system);
  const day = 86_400;
  const mosquitto = await onPath('mosquitto');
  const byCa = { KEY_REQUEST: 'csr' };

  async function newDevice(fleet?: string): Promise<ScriptedDevice> {
    const [device] = await balena.tell<{ uuid: string; apiKey: string }[]>('POST /devices', { fleet });
    if (!device) throw new Error('the balena simulator made no device');
    return scriptedDevice(device, `${url}/api/provision?code=${provisionKey}`);
  }

  const servers: BadServer[] = [];
  afterAll(() => {
    for (const server of servers) server.close();
  });
  async function badServer(ending: BadEnding): Promise<BadServer> {
    const server = await startBadServer(ending);
    servers.push(server);
    return server;
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

  if (await canTrace())
    test('only openssl and the client of MQTT open the files with the key, from the first boot to telemetry and through a renewal', async () => {
      const device = await newDevice();
      const register = async (trace: string, env = {}) => {
        const script = device.start('once', env, trace);
        expect({ code: await script.ended, output: script.output() }).toMatchObject({ code: 0 });
        return openedBy(await device.readTrace(trace), /\/(next\.tmp|next\.pem|device\.pem)$/);
      };
      const openssl = await onPath('openssl');
      expect(await register('first boot')).toEqual([openssl]);
      if (mosquitto) {
        const bridge = await startBridge(device, undefined, 'bridge');
        await bridge.sends();
        bridge.script.kill();
        await bridge.script.ended;
        const opened = openedBy(await device.readTrace('bridge'), /\/(next\.tmp|next\.pem|device\.pem)$/);
        expect(opened).toEqual([openssl, mosquitto].sort());
      } else await sends(device, 1);
      await device.moveClock(0.81 * 365 * day);
      expect(await register('renewal')).toEqual([openssl]);
      expect(await register('renewal with a certificate request', byCa)).toEqual([openssl]);
    });
  else
    test('strace is missing', () => {
      console.warn(
        'NOT CHECKED: which programs open the key of device/own-key.sh, because strace is missing, or may not trace.',
      );
    });

  /** Ends the script after a step. @returns false if the script reached its end before the step */
  async function interrupted(device: ScriptedDevice, step: number, env: object): Promise<boolean> {
    const before = await device.steps();
    return (await device.start('once', { ...env, KILL_AFTER: String(before + step) }).ended) === null;
  }

  /** Ends the first boot after a step, and then runs the script to its end. @returns false as in `interrupted` */
  async function survivesFirstBoot(device: ScriptedDevice, step: number, env = {}): Promise<boolean> {
    const wasInterrupted = await interrupted(device, step, env);
    await settled(device, env);
    return wasInterrupted;
  }

  /** The same for a renewal of a device that the hub accepts. */
  async function survivesRenewal(device: ScriptedDevice, step: number, env = {}): Promise<boolean> {
    const first = await device.pair('device.pem');
    await device.moveClock(0.81 * 365 * day);
    const wasInterrupted = await interrupted(device, step, env);
    // The certificate in use is one that the hub accepts, at each moment.
    const between = await device.pair('device.pem');
    expect(await hub.thumbprints(device.uuid)).toContain(between?.thumbprint);
    expect((await settled(device, env)).thumbprint).not.toBe(first?.thumbprint);
    return wasInterrupted;
  }

  /** Tries the steps from the first one on, two at a time, until the script reaches its end before the step. @returns the number of steps */
  async function tryEachStep(survives: (step: number) => Promise<boolean>): Promise<number> {
    let step = 1;
    for (let more = true; more; step += 2)
      more = (await Promise.all([survives(step), survives(step + 1)])).every(Boolean);
    return step;
  }

  test('a power failure after each step of the first boot and of a renewal leaves a device that is never cut off', async () => {
    const steps = await tryEachStep(async (step) => {
      const device = await newDevice();
      const inFirstBoot = await survivesFirstBoot(device, step);
      return (await survivesRenewal(device, step)) || inFirstBoot;
    });
    // The first boot alone has so many steps.
    expect(steps).toBeGreaterThan(8);
  });

  test('the same with a certificate request: after every other step of a first boot, and after the other steps of a renewal', async () => {
    const steps = await tryEachStep(async (step) => {
      const device = await newDevice();
      if (step % 2 === 1) return survivesFirstBoot(device, step, byCa);
      await settled(device, byCa);
      return survivesRenewal(device, step, byCa);
    });
    expect(steps).toBeGreaterThan(12);
  });

  test('with KEY_REQUEST=csr, the CA signs the certificate: a first boot, a renewal, torn files, a lost volume, a revocation', async () => {
    const device = await newDevice();
    const signed = async () => {
      const pair = await settled(device, byCa);
      const ca = new X509Certificate(await readFile(join(device.volume, 'ca.pem')));
      expect(new X509Certificate(pair.cert).verify(ca.publicKey)).toBe(true);
      return pair;
    };
    const first = await signed();
    expect((await stat(join(device.volume, 'device.pem'))).mode & 0o777).toBe(0o600);
    await sends(device, 1);
    expect((await signed()).thumbprint).toBe(first.thumbprint);

    await device.moveClock(0.81 * 365 * day);
    const second = await signed();
    expect(second.key).not.toBe(first.key);
    expect(await hub.thumbprints(device.uuid)).toEqual([second.thumbprint, first.thumbprint]);
    await device.moveClock(0);

    // The certificate is lost, and the key is not: the same key gets the same certificate.
    await writeFile(join(device.volume, 'next.pem'), second.key);
    await rm(join(device.volume, 'device.pem'));
    expect((await signed()).thumbprint).toBe(second.thumbprint);

    await writeFile(join(device.volume, 'device.pem'), second.pem.slice(0, 300));
    await writeFile(join(device.volume, 'next.pem'), '');
    await writeFile(join(device.volume, 'ca.pem'), '');
    const third = await signed();
    expect(third.key).not.toBe(second.key);
    await rm(device.volume, { recursive: true });
    const fourth = await signed();
    expect(await hub.thumbprints(device.uuid)).toEqual([fourth.thumbprint, third.thumbprint]);

    await rotate(app, device.uuid, { revoke: true });
    await system.state(device.uuid, 'failed');
    const fifth = await signed();
    expect(fifth.output).toMatch(/422 certificate-revoked/);
    const secrets = { 'the first key': first.key, 'the last key': fifth.key, 'API key': device.apiKey };
    expect(findLeaks(secrets, { log: fifth.output, 'process list': await device.calls() })).toEqual([]);
  });

  test('the commands of device/README.md show both kinds of certificates', async () => {
    const blocks = runnableBlocks(await readDocument('device/README.md'));
    expect(await runCommands(blocks, system.folder)).toMatch(
      /accepts the certificate [\s\S]*issuer=CN ?= ?[0-9a-f]{32}\n[\s\S]*accepts the certificate [\s\S]*issuer=CN ?= ?Local CA\n/,
    );
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
    await says(wrongKey, /refuses BALENA_API_KEY, .*401 provision.proof-wrong/);
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
      [{ PROVISION_URL: '' }, /Set the fleet variable to .*\/api\/provision\?code=<key>/],
      [{ CERT_DAYS: '1 year' }, /CERT_DAYS must be a number of days, such as 365/],
      [{ AZURE_DIR: '/dev/null/x' }, /cannot be made. Mount the volume there/],
      [{ PATH: '/nowhere' }, /The program openssl is missing. Build the image/],
      [{ KEY_REQUEST: 'CSR' }, /KEY_REQUEST must be certificate .* or csr/],
    ] as const) {
      const script = device.start('once', env);
      expect(await script.ended).toBe(2);
      expect(script.output()).toMatch(message);
    }
  });

  test('an address that is not the one of the provisioner, a wrong key and a full volume are explained', async () => {
    const device = await newDevice();
    await mkdir(join(device.volume, 'next.tmp'), { recursive: true });
    const full = device.start('once');
    await says(full, /cannot be written into .*: is the volume full or read-only\?/);
    full.kill();
    await full.ended;
    await rm(device.volume, { recursive: true });
    for (const [address, message] of [
      [`/api/provision?code=wrong`, /refuses the key in PROVISION_URL \(401\)\. Copy the address again/],
      [`/?code=${provisionKey}`, /is not from the provisioner: PROVISION_URL must be https/],
      [`/nowhere`, /is not from the provisioner: PROVISION_URL must be https/],
    ] as const) {
      const script = device.start('once', { PROVISION_URL: `${url}${address}` });
      await says(script, message);
      script.kill();
      await script.ended;
    }
    expect(await device.pair('device.pem')).toBeNull();
  });

  /** An address of the provisioner that does not work, and the words of the script about the address. */
  interface Outage {
    url: string;
    message: RegExp;
    server?: BadServer;
    env?: Record<string, string>;
  }

  async function outages(): Promise<Outage[]> {
    const [resets, ends, silent] = await Promise.all([
      badServer('reset'),
      badServer('end'),
      badServer('silence'),
    ]);
    const at = ({ port }: { port: number }) => `http://127.0.0.1:${port}`;
    const cut = /was cut before the whole answer was there/;
    return [
      { url: at({ port: 1 }), message: /cannot be reached: is the network up\?/ },
      // A label of a name has at most 63 characters, so no server of names is asked.
      { url: `https://${'x'.repeat(64)}.invalid`, message: /cannot be resolved: is the network up\?/ },
      { url: at(resets), message: cut, server: resets },
      { url: at(ends), message: cut, server: ends },
      { url: at(silent), message: /did not answer in time/, server: silent, env: { ANSWER_WITHIN: '1' } },
    ];
  }

  test('while the provisioner cannot be reached, the script says why and waits, and then goes on with the same key', async () => {
    const meets = async ({ url: address, message: { source }, server, env }: Outage) => {
      const device = await newDevice();
      const PROVISION_URL = `${address}/api/provision?code=${provisionKey}`;
      const script = device.start('once', { PROVISION_URL, ...env });
      await says(script, new RegExp(`${source}.*follows in 10 s.*\\n.*${source}.*follows in 20 s`));
      expect(await device.pair('device.pem')).toBeNull();
      if (!server) return script.kill();
      server.passOnTo(Number(new URL(url).port));
      expect({ code: await script.ended, output: script.output() }).toMatchObject({ code: 0 });
      expect((await device.calls()).match(/^openssl req/gm)).toHaveLength(1);
    };
    await Promise.all((await outages()).map(meets));
  });

  test('while the hub throttles, or resets connections, the script says what it waits for', async () => {
    const [throttled, cut] = [await newDevice(), await newDevice()];
    const headers = { 'retry-after': '1' };
    await hub.fault({ method: 'PUT', path: throttled.uuid, status: 429, headers, times: 1 });
    await hub.fault({ method: 'PUT', path: cut.uuid, reset: true });
    const waits = (code: string) =>
      new RegExp(`waits for the hub to accept the certificate \\(state retrying, last failure ${code}: \\w`);
    const [first, second] = [throttled.start('once'), cut.start('once')];
    await Promise.all([says(first, waits('hub-throttled')), says(second, waits('hub-unavailable'))]);
    expect(await first.ended).toBe(0);
    second.kill();
    await hub.noFaults();
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

  /** Starts the bridge. @param hubPort default: the port of the hub. @param trace see `ScriptedDevice` */
  async function startBridge(
    device: ScriptedDevice,
    hubPort = stack.endpoints.iotHub?.mqttPort,
    trace?: string,
  ) {
    const port = await freePort();
    const HUB_CA = stack.endpoints.iotHub?.caFile ?? '';
    const script = device.start(
      'bridge',
      { HUB_PORT: String(hubPort), HUB_CA, MQTT_PORT: String(port) },
      trace,
    );
    const sends = async () => {
      await waitFor('the broker has the message', async () => {
        await publish(port, 'telemetry', '{"local":true}');
        return true;
      });
      await waitFor('telemetry arrived through the bridge', async () =>
        (await hub.telemetry(device.uuid)).some(({ body }) => JSON.stringify(body).includes('local')),
      );
    };
    return { script, sends };
  }

  if (mosquitto)
    test('a local client sends telemetry through the bridge, also after the hub has reset connections', async () => {
      const device = await newDevice();
      await settled(device);
      const server = await badServer('reset');
      const bridge = await startBridge(device, server.port);
      await waitFor('a connection was reset', () => server.ended() > 0);
      // The broker keeps a message of QoS 1 until the hub takes the message.
      const arrived = bridge.sends();
      server.passOnTo(Number(stack.endpoints.iotHub?.mqttPort));
      await arrived;
      expect(bridge.script.output().match(/Connecting bridge .*hub/g)?.length).toBeGreaterThan(1);
      bridge.script.kill();
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
