import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readDocument } from '../../local/docs/documents.js';
import type { Endpoints } from '../../local/stack/Endpoints.js';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { minter } from '../../src/certificates/mint.js';
import { runnableBlocks } from '../support/documentCommands.js';
import { waitFor } from '../support/waitFor.js';
import { findLeaks } from './support/findLeaks.js';
import { provisionApi } from './support/provisionApi.js';
import { readFiles } from './support/readFiles.js';
import { runCommands } from './support/runCommands.js';
import { type Run, runCommand, runNode, runningWith } from './support/runNode.js';

const usualPorts = [7071, 5672, 10_002, 8443, 8883];

/** Like a new machine: no setting of ours is in the environment. */
const clean = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^(BALENA|IOTHUB|CONNECTION_STRING|SERVICEBUS|RECORDS|AzureWebJobs)/.test(name))
    .map((name) => [name, undefined]),
);
const folder = await mkdtemp(join(tmpdir(), 'e2e-start-'));
const started: Run[] = [];
const taken: Server[] = [];

/** @param at the folder for the state of the system */
function start(at: string, args: string[] = [], env: Record<string, string> = {}): Run {
  const run = runNode('local/start.js', ['--folder', at, '--devices', '2', ...args], { ...clean, ...env });
  started.push(run);
  return run;
}

async function playDevice(at: string, ...args: string[]) {
  const file = join(at, 'endpoints.json');
  const run = runNode('local/device/main.js', ['--endpoints', file, '--interval', '0', ...args], clean);
  return { ...(await run.ended), output: run.output() };
}

const endpoints = async (at: string): Promise<Endpoints> =>
  JSON.parse(await readFile(join(at, 'endpoints.json'), 'utf8'));
const run = promisify(execFile);

afterAll(async () => {
  for (const each of started) {
    if (each.process.exitCode === null && each.process.signalCode === null) each.process.kill('SIGTERM');
    await each.ended;
  }
  for (const each of taken) each.close();
  await rm(folder, { recursive: true });
});

describe('npm start', () => {
  const home = join(folder, 'home');
  let system: Run;
  beforeAll(async () => {
    await Promise.all(usualPorts.map(take));
    await mkdir(home, { mode: 0o755 });
    await chmod(home, 0o755);
    system = start(home);
    await system.prints(/Ready, /);
  });

  /** Makes sure that a port is in use, by this test or by another process. */
  async function take(port: number): Promise<void> {
    // Other programs on this machine connect to the usual ports. An open connection would keep Jest running.
    const server = createServer((socket) => socket.destroy());
    taken.push(server);
    await new Promise<void>((resolve) => {
      server.once('error', () => resolve()).listen(port, '127.0.0.1', () => resolve());
    });
  }

  test('takes free ports where the usual ones are in use, and says which', async () => {
    const { functions, serviceBus, tables, iotHub, balena } = await endpoints(home);
    const said = [
      functions.url,
      serviceBus?.connectionString,
      tables?.connectionString,
      iotHub?.connectionString,
    ];
    const ports = said.map((text) => Number(/(?:localhost|127\.0\.0\.1):(\d+)/.exec(text ?? '')?.[1]));
    for (const port of [...ports, iotHub?.mqttPort]) {
      expect(port).toBeGreaterThan(0);
      expect(usualPorts).not.toContain(port);
    }
    expect(system.output()).toContain(`Port 7071 is in use. The functions use ${functions.url}.`);
    expect(balena?.devices).toHaveLength(3);
  });

  test('says that a system is running already in the folder, and leaves it alone', async () => {
    const second = start(home, ['--fresh']);
    expect((await second.ended).code).toBe(1);
    expect(second.output()).toMatch(/a system is running already in .*--folder <path>/);
    expect((await provisionApi(await endpoints(home)).health()).status).toBe(200);
  });

  test('shows the progress of the start', () => {
    for (const name of ['balena', 'iot hub', 'service bus', 'tables', 'functions'])
      expect(system.output()).toMatch(new RegExp(`^${name} +is ready$`, 'm'));
  });

  test('keeps its state from other users, also in a folder that was open to them', async () => {
    const names = await readdir(home, { recursive: true });
    expect(names.length).toBeGreaterThan(8);
    const modes = await Promise.all(
      ['.', ...names].map(async (name) => {
        const found = await stat(join(home, name)).catch(() => null);
        return found && found.mode & 0o077 ? [name, (found.mode & 0o777).toString(8)] : null;
      }),
    );
    expect(modes.filter((mode) => mode !== null)).toEqual([]);
  });

  test('provisions a device for each kind of key before the eyes of whoever started it, and compares the two', async () => {
    const all = await endpoints(home);
    const [issued = '', , own = ''] = all.balena?.devices.map(({ uuid }) => uuid) ?? [];
    const connected = ['is connected', 'sent telemetry 1 of 1'];
    for (const [uuid, steps] of [
      [issued, ['requested credentials', 'has its credentials', ...connected]],
      [own, ['made a private key', 'sent the certificate.*202', 'is accepted by the hub', ...connected]],
    ] as const) {
      const name = uuid.slice(0, 7);
      expect(system.output()).toMatch(new RegExp(steps.map((step) => `${name} ${step}`).join('[\\s\\S]*')));
      const key = uuid === own ? 'device' : 'issued';
      expect((await provisionApi(all).get(uuid)).json).toMatchObject({ state: 'provisioned', key });
    }
    expect(system.output()).toMatch(/stored in balena +AZURE_CERT, AZURE_PRIVATE_KEY +nothing\n/);
    // The key of the device is in the file that the output names, and nowhere else in the state of the system.
    const [file = ''] = /\S+devices\/[0-9a-f]{32}\.pem/.exec(system.output()) ?? [];
    const key = (await readFile(file, 'utf8')).replace(/-----BEGIN CERTIFICATE[\s\S]*/, '');
    expect(key).toContain('PRIVATE KEY');
    const places = { ...(await readFiles(home, ['devices'])), output: system.output() };
    expect(Object.keys(places).length).toBeGreaterThan(8);
    expect(findLeaks({ key }, places)).toEqual([]);
  });

  test('prints commands that work when they are pasted', async () => {
    const commands = [...system.output().matchAll(/^\s+(curl .*)$/gm)].map(([, command = '']) => command);
    const paste = async (command: string) => (await run('sh', ['-c', command])).stdout;
    const [ask, see, undo, health, ...more] = commands;
    expect(more).toEqual([]);
    expect(await paste(ask ?? '')).toMatch(/^HTTP\/1\.1 202 /);
    await waitFor('it shows the device as provisioned', async () =>
      (await paste(see ?? '')).includes('"state":"provisioned"'),
    );
    expect(await paste(undo ?? '')).toMatch(/^HTTP\/1\.1 202 /);
    await waitFor('it shows the device as deprovisioned', async () =>
      (await paste(see ?? '')).includes('"state":"deprovisioned"'),
    );
    expect(await paste(health ?? '')).toMatch(/^queue: ok/m);
    for (const own of ['', '--own-key ']) expect(system.output()).toContain(`npm run device -- ${own}--new`);
  });

  // The first page removes the device again, so that the next page requests a device without credentials.
  test.each([
    ['docs/http-api.md', /^HTTP\/1\.1 202 [\s\S]*"state":"[\s\S]*HTTP\/1\.1 202 [\s\S]*queue: ok/],
    [
      'README.md',
      /^HTTP\/1\.1 202 [\s\S]*"state":"[\s\S]*has its credentials[\s\S]*sent telemetry 3 of 3[\s\S]*made a private key[\s\S]*sent telemetry 3 of 3/,
    ],
    ['docs/development.md', /"counts":/],
    ['docs/local-host.md', /Usage: /],
    ['docs/migrate.md', /^subject=CN ?= ?[0-9a-f]{32}\nnotAfter=/],
  ])('runs the commands of %s', async (path, output) => {
    const blocks = runnableBlocks(await readDocument(path));
    const { certificate } = await minter()('ab'.repeat(16), Date.now());
    expect(await runCommands(blocks, home, { AZURE_CERT: certificate })).toMatch(output);
    // An example adds faults, which would delay the devices of the next tests by the end of a lease.
    await fetch(`${(await endpoints(home)).iotHub?.controlUrl}/faults`, { method: 'DELETE' });
  });

  test('npm run device plays a device with its stored credentials, or a new one', async () => {
    const known = await playDevice(home, '--messages', '2');
    expect(known.code).toBe(0);
    expect(known.output).toMatch(/is connected/);
    expect(known.output).not.toMatch(/requested credentials/);
    expect(known.output).toMatch(/sent telemetry 2 of 2/);

    const fresh = await playDevice(home, '--new', '--service', 'cloud-relay', '--messages', '1');
    expect(fresh.code).toBe(0);
    expect(fresh.output).toMatch(/requested credentials.*202 accepted/);
    expect(fresh.output).toMatch(/has its credentials[\s\S]*is connected[\s\S]*sent telemetry 1 of 1/);
  });

  test('npm run device --own-key plays the device with its stored key, and renews the key', async () => {
    const known = await playDevice(home, '--own-key', '--messages', '1');
    expect(known.output).toMatch(
      /the hub accepts the certificate already[\s\S]*is connected[\s\S]*sent telemetry 1 of 1/,
    );
    expect(known.output).not.toMatch(/made a private key/);
    const renewed = await playDevice(home, '--own-key', '--renew', '--messages', '1');
    expect(renewed.output).toMatch(
      /made a private key[\s\S]*202 accepted[\s\S]*is accepted by the hub[\s\S]*sent telemetry 1 of 1/,
    );
    expect([known.code, renewed.code]).toEqual([0, 0]);
  });

  test('npm run device --own-key tells the product that a device with an issued key uses its own key', async () => {
    const uuid = (await endpoints(home)).balena?.devices[0]?.uuid ?? '';
    const { code, output } = await playDevice(home, '--own-key', '--uuid', uuid, '--messages', '1');
    expect(output).toMatch(/is connected[\s\S]*uses its own key: the issued key ends[\s\S]*sent telemetry/);
    expect(code).toBe(0);
    await waitFor('the issued key has ended', async () => {
      const { json } = await provisionApi(await endpoints(home)).get(uuid);
      return json.key === 'device' && json.state === 'provisioned' && json.issuedUntil === null;
    });
  });

  test('a device that has reported its OS with its own key ends with telemetry, at a service named like the host OS', async () => {
    const { code, output } = await playDevice(home, '--new', '--service', 'main', '--messages', '1');
    expect(output).toMatch(
      /reported its OS[\s\S]*requested credentials[\s\S]*is connected[\s\S]*sent telemetry 1 of 1/,
    );
    expect(code).toBe(0);

    const without = await playDevice(home, '--new', '--no-os-report', '--messages', '1');
    expect(without.output).not.toMatch(/reported its OS/);
    expect(without.code).toBe(0);
  });

  test.each([
    ['a device that balena does not know', ['--uuid', '0'.repeat(32)], /balena knows no device 0{32}/],
    ['a service that is not there', ['--new', '--service', 'mian'], /no service named "mian"/],
    [
      'an own key of a device whose API key is elsewhere',
      ['--own-key', '--uuid', '0'.repeat(32)],
      /needs the API key of the device.*--new/,
    ],
    ['an own key without a proof', ['--own-key', '--no-proof'], /always needs the proof/],
    ['a renewal of an issued key', ['--renew'], /add --own-key/],
  ])('npm run device says in one sentence why it cannot play %s', async (_, args, why) => {
    const { code, output } = await playDevice(home, ...args);
    expect(code).toBe(1);
    expect(output.trimEnd().split('\n').at(-1)).toMatch(/^The device gives up: /);
    expect(output).toMatch(why);
    expect(output).not.toMatch(/^ +at /m);
  });

  test('stops with everything that it started when it is asked to, and finds its state again', async () => {
    const own = join(folder, 'stopped');
    const first = start(own);
    await first.prints(/Ready, /);
    // Itself, the four simulators and the host.
    expect(await runningWith(own)).toHaveLength(6);
    first.process.kill('SIGTERM');
    expect(await first.ended).toEqual({ code: 0, signal: null });
    expect(await runningWith(own)).toEqual([]);

    const second = start(own, ['--no-demo']);
    await second.prints(/Ready, /);
    const all = await endpoints(own);
    const demo = all.balena?.devices[0]?.uuid ?? '';
    expect((await provisionApi(all).get(demo)).json.state).toBe('provisioned');
    second.process.kill('SIGINT');
    expect(await second.ended).toEqual({ code: 0, signal: null });
  });

  test('leaves nothing running when it is killed, and npm run device says so in one sentence', async () => {
    const own = join(folder, 'killed');
    const killed = start(own, ['--no-demo']);
    await killed.prints(/Ready, /);
    expect(await runningWith(own)).toHaveLength(6);
    killed.process.kill('SIGKILL');
    await waitFor('its processes have ended', async () => (await runningWith(own)).length === 0);

    const { code, output } = await playDevice(own);
    expect(code).toBe(1);
    expect(output).toMatch(/^The device gives up: the functions do not answer.*npm start; .*\n$/);
  });

  test('a port that was chosen is used, or the start fails and names the port', async () => {
    const own = join(folder, 'port');
    const refused = start(own, ['--no-demo', '--port', '7071']);
    expect((await refused.ended).code).toBe(1);
    expect(refused.output()).toMatch(/The system cannot start: .*port 7071 is in use by another program/);
    expect(await runningWith(own)).toEqual([]);
  });

  test.each([
    ['SIGTERM', /Ready, /],
    ['SIGHUP', /Ready, /],
    ['SIGKILL', /Ready, /],
    // In the middle of the start.
    ['SIGTERM', /tables +is ready/],
  ] as const)('%s to npm alone, at %s, leaves nothing running', async (signal, printed) => {
    // npm of this machine, with the script of package.json after the build.
    const own = join(folder, `${signal}-${printed.source.length}`);
    await mkdir(own);
    const script = `true && node ${join(projectFolder(), 'dist/local/start.js')}`;
    await writeFile(join(own, 'package.json'), JSON.stringify({ scripts: { start: script } }));
    const npm = runCommand('npm', ['start', '--prefix', own, '--', '--folder', own, '--no-demo'], clean);
    started.push(npm);
    await npm.prints(printed);
    npm.process.kill(signal);
    await waitFor('its processes have ended', async () => (await runningWith(own)).length === 0);
  });

  test('npm run device says in one sentence that nothing was ever started', async () => {
    const { code, output } = await playDevice(join(folder, 'none'));
    expect(code).toBe(1);
    expect(output).toMatch(/^The device gives up: .*endpoints\.json cannot be read.*npm start.*\n$/);
  });
});

describe('wrong settings', () => {
  const wrong = {
    IOTHUB_CONNECTION_STRING: 'HostName=hub;SharedAccessKey=a-secret',
    IOTHUB_UNITS: 'many',
    IOTHUB_TIER: 's4',
    BALENA_API_URL: 'balena',
    FLEETS: 'demo',
    CERT_KEY: 'rsa',
    WORK_LIMIT_SECONDS: '0',
  };

  function expectAllNamed(output: string) {
    for (const name of [
      'BALENA_API_KEY',
      'SERVICEBUS_CONNECTION',
      'RECORDS_CONNECTION',
      ...Object.keys(wrong),
    ]) {
      const lines = output.split('\n').filter((line) => line.includes(name));
      expect(lines).toEqual([expect.stringMatching(/(must be|is required).* such as /)]);
    }
    expect(output).not.toMatch(/a-secret|^ +at /m);
  }

  test('leave a host without functions, and one message that names each, with what is expected', async () => {
    const host = runNode('local/simulators/functions-host/main.js', ['--app', process.cwd(), '--port', '0'], {
      ...clean,
      ...wrong,
    });
    await host.prints(/functions host is ready/);
    host.process.kill('SIGTERM');
    expect(await host.ended).toEqual({ code: 0, signal: null });
    expectAllNamed(host.output());
  });

  test('stop npm start, which leaves nothing running', async () => {
    const own = join(folder, 'wrong');
    const bad = start(own, ['--no-demo'], { IOTHUB_TIER: 's4' });
    expect((await bad.ended).code).toBe(1);
    expect(bad.output()).toMatch(/The system cannot start: .*\n.*IOTHUB_TIER must be .* such as /);
    expect(await runningWith(own)).toEqual([]);
  });
});
