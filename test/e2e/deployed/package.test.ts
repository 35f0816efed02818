import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { licencesFile, sizeOf } from '../../../local/package/assemblePackage.js';
import { leftOut } from '../../../local/package/bundle.js';
import { packageOfModule } from '../../../local/package/licences.js';
import { runCommand } from '../support/runNode.js';
import { usePackage } from '../support/usePackage.js';
import { useSystem } from '../support/useSystem.js';

const { folder, inputs, loadedAtStart, open } = await usePackage();
const system = await useSystem({ appFolder: folder, timers: ['redrive'] });

/** The packages of some modules, by name. */
const packagesOf = (modules: string[]) =>
  [
    ...new Set(
      modules
        .map((module) => packageOfModule(module)?.replace(/^.*node_modules\//, ''))
        .filter((name) => name !== undefined),
    ),
  ].sort();

test('the package holds the bundle, the page, what the host reads, and nothing else', async () => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  const kinds = files.map((file) => file.replace(/^(dist\/functions\/)[\w-]+-[A-Z0-9]{8}\.js/, '$1*.js'));
  expect([...new Set(kinds)].sort()).toEqual([
    'LICENSE',
    licencesFile,
    'dist/functions/*.js',
    'dist/functions/*.js.map',
    'dist/functions/functions.js',
    'dist/functions/functions.js.map',
    'dist/functions/main.js',
    'dist/page/ops.headers.json',
    'dist/page/ops.html',
    'dist/page/ops.html.br',
    'dist/page/ops.html.gz',
    'host.json',
    'package.json',
  ]);
  const { files: count, bytes } = await sizeOf(folder);
  expect(count).toBeLessThan(200);
  expect(bytes).toBeLessThan(15_000_000);
});

test('the bundle holds code of src/, functions/ and packages, and leaves open only what is named with its reason', () => {
  const own = inputs.filter((input) => packageOfModule(input) === null);
  expect(own.filter((input) => !/^(?:src|functions)\/.*\.ts$/.test(input))).toEqual([]);
  expect(own).toContain('src/provisioning/reconcile.ts');
  expect(open).toEqual(Object.keys(leftOut).sort());
});

test('a start loads no client of another system, no telemetry SDK and no foreign languages of zod', () => {
  expect(packagesOf(loadedAtStart)).toEqual([
    '@azure/functions',
    '@azure/functions-extensions-base',
    '@opentelemetry/api',
    '@stablelib/base64',
    'cookie',
    'croner',
    'fast-sha256',
    'is-network-error',
    'p-limit',
    'p-retry',
    'standardwebhooks',
    'yocto-queue',
    'zod',
  ]);
  const locales = loadedAtStart.filter((module) => /zod\/v4\/locales/.test(module));
  expect(locales.map((module) => module.replace(/^.*\//, ''))).toEqual(['en.js']);
});

test('the licence of each package with code in the bundle is in a file', async () => {
  const text = await readFile(join(folder, licencesFile), 'utf8');
  const missing = packagesOf(inputs).filter((name) => !text.includes(`\n${name} `));
  expect(missing).toEqual([]);
});

test('a stack trace names the source file and its line', async () => {
  const script = `
    await import(${JSON.stringify(join(folder, 'dist/functions/main.js'))});
    process.emit('uncaughtException', { get name() { console.log(new Error('here').stack); return 'Here'; } });
    process.exit();`;
  const run = runCommand(process.execPath, ['--input-type=module', '--eval', script]);
  await run.ended;
  expect(run.output()).toMatch(/sanitizeError .*src\/shared\/sanitizeError\.ts:\d+:\d+/);
  expect(run.output()).toMatch(/src\/shared\/strayErrors\.ts:\d+:\d+/);
});

// The simulators take connection strings, so no other test comes here. In Azure every start does.
test('managed identity and Application Insights work in the bundle', async () => {
  const server = createServer((_request, answer) => {
    answer.setHeader('content-type', 'application/json');
    answer.end(
      JSON.stringify({ access_token: 'from-the-identity', expires_on: '4102444800', resource: 'r' }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const dist = join(folder, 'dist/functions');
  const files = (await readdir(dist)).filter((file) => file.endsWith('.js'));
  const module = (name: string) =>
    JSON.stringify(join(dist, files.find((file) => file.startsWith(`${name}-`)) ?? name));
  const run = runCommand(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `const { DefaultAzureCredential } = await import(${module('defaultCredential')});
       console.log((await new DefaultAzureCredential().getToken('https://hub/.default')).token);
       const { openApplicationInsights } = await import(${module('applicationInsights')});
       const connectionString = 'InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=https://ingestion.invalid/';
       console.log(Object.keys(openApplicationInsights({ connectionString, identity: { clientId: null } })).join());
       process.exit();`,
    ],
    {
      IDENTITY_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
      IDENTITY_HEADER: 'header',
    },
  );
  await run.ended;
  server.close();
  expect(run.output()).toBe('from-the-identity\nspans,metrics,logs\n');
});

test('the package starts by itself, and is healthy', async () => {
  const [host] = system.stack.hosts;
  expect(host?.endpoints.functions).toEqual(
    expect.arrayContaining(['provision', 'deprovision', 'health', 'worker', 'redrive']),
  );
  // This system runs only one timer.
  expect(host?.endpoints.functions).not.toContain('sample');
  const { url, opsKey } = system.stack.endpoints.functions;
  const answer = await fetch(`${url}/api/health`, { headers: { 'x-functions-key': opsKey } });
  expect({ status: answer.status, text: await answer.text() }).toEqual({
    status: 200,
    text: expect.stringContaining('queue: ok'),
  });
});

test('it provisions a device, and dead-letters what it cannot provision', async () => {
  const uuid = await system.provisioned();
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
  const other = await system.balena.newDevice();
  await system.post(other, 'no-such-service');
  await system.state(other, 'failed');
});

test('it serves the page', async () => {
  const answer = await fetch(`${system.stack.endpoints.functions.url}/api/ops`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toMatch(/^<!doctype html>/i);
});

test('package.json names the entry file, and no packages to install', async () => {
  const json = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  expect(json).toMatchObject({ main: 'dist/functions/main.js', type: 'module' });
  expect(Object.keys(json).filter((key) => /dependencies|scripts/i.test(key))).toEqual([]);
});
