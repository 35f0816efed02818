import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onPath } from '../../local/infra/nuget.js';
import { minter } from '../../src/certificates/mint.js';
import { rotate } from '../../src/fleet/rotate.js';
import { csrOf, newKeys } from '../support/csrs.js';
import { waitFor } from '../support/waitFor.js';
import { appOf } from './support/appOf.js';
import { findLeaks } from './support/findLeaks.js';
import { readFiles } from './support/readFiles.js';
import { readTables } from './support/readTables.js';
import { useSystem } from './support/useSystem.js';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'own-key-'));
afterAll(() => rm(folder, { recursive: true }));
const system = await useSystem();
const { balena, hub, call, stack } = system;
const app = appOf(system);
const { provisionKey, deprovisionKey } = stack.endpoints.functions;

interface Device {
  uuid: string;
  apiKey: string;
}

/** A key and a certificate that openssl has made, as docs/own-keys.md says. */
interface OwnPair {
  cert: string;
  key: string;
  thumbprint: string;
}

async function newDevice(): Promise<Device> {
  const [device] = await balena.tell<Device[]>('POST /devices', {});
  if (!device) throw new Error('the balena simulator made no device');
  return device;
}

const openssl = await onPath('openssl');
/** Without openssl, the certificates are made in this process. */
const mint = minter({ days: 100 });
let pairs = 0;

async function ownPair(uuid: string): Promise<OwnPair> {
  const [cert, key] = openssl ? await pairOfOpenssl(uuid) : await pairOfThisProcess(uuid);
  return { cert, key, thumbprint: new X509Certificate(cert).fingerprint256.replaceAll(':', '') };
}

/** Runs commands of docs/own-keys.md. @returns the folder with the files */
async function runCommandsOf(block: RegExp, uuid: string): Promise<string> {
  pairs += 1;
  const page = await readFile('docs/own-keys.md', 'utf8');
  const commands = block.exec(page)?.[1] ?? '';
  const cwd = await mkdtemp(join(folder, `${pairs}-`));
  await run('sh', ['-ec', commands], { cwd, env: { ...process.env, BALENA_DEVICE_UUID: uuid } });
  return cwd;
}

async function pairOfOpenssl(uuid: string): Promise<[cert: string, key: string]> {
  const cwd = await runCommandsOf(/```sh\n(openssl .*?)```/s, uuid);
  return Promise.all([readFile(join(cwd, 'cert.pem'), 'utf8'), readFile(join(cwd, 'key.pem'), 'utf8')]);
}

async function pairOfThisProcess(uuid: string): Promise<[cert: string, key: string]> {
  const { certificate, privateKey } = await mint(uuid, Date.now());
  return [decode(certificate), decode(privateKey)];
}
const decode = (text: string) => Buffer.from(text, 'base64').toString();

if (!openssl)
  test('openssl is missing', () => {
    console.warn(
      'NOT CHECKED: the openssl commands of docs/own-keys.md, because this machine does not have openssl.',
    );
  });

const ask = (
  { uuid, apiKey }: Device,
  certificate: string,
  uses?: string,
  authorization = `Bearer ${apiKey}`,
) => send({ uuid, certificate, ...(uses !== undefined && { uses }) }, authorization);
const send = (body: object, authorization: string) =>
  call('POST', '/api/provision', { key: provisionKey, body, headers: { authorization } });
/** Waits until the hub accepts the certificate, as the device does. */
const accepted = (uuid: string, { thumbprint }: OwnPair) =>
  waitFor('the hub accepts the certificate', async () => {
    const { json } = await system.get(uuid);
    const { state, certificate } = json as { state?: string; certificate?: { thumbprint: string } };
    return state === 'provisioned' && certificate?.thumbprint === thumbprint && json;
  });
const connect = (uuid: string, { cert, key, thumbprint }: OwnPair) =>
  system.connect(uuid, { cert, key, thumbprint, subject: `CN=${uuid}`, matches: true });
const hasSent = (uuid: string, n: number) =>
  waitFor(`telemetry ${n} arrived`, async () =>
    (await hub.telemetry(uuid)).some(({ body }) => JSON.stringify(body).includes(`"n":${n}`)),
  );

test('from the first boot to telemetry, and through a renewal with an open connection: no key leaves the device', async () => {
  const device = await newDevice();
  const { uuid } = device;
  const first = await ownPair(uuid);
  const answer = await ask(device, first.cert);
  expect(answer.status).toBe(202);
  expect(await accepted(uuid, first)).toMatchObject({ key: 'device', service: null, hubHost: 'localhost' });
  expect(await hub.thumbprints(uuid)).toEqual([first.thumbprint, first.thumbprint]);
  const held = await connect(uuid, first);
  await held.send({ n: 1 });
  await hasSent(uuid, 1);

  const again = await ask(device, Buffer.from(first.cert).toString('base64'), first.thumbprint);
  expect([200, 202]).toContain(again.status);
  const second = await ownPair(uuid);
  expect((await ask(device, second.cert, first.thumbprint.toLowerCase())).status).toBe(202);
  await accepted(uuid, second);
  expect(await hub.thumbprints(uuid)).toEqual([second.thumbprint, first.thumbprint]);
  // The connection with the certificate before was never closed.
  await held.send({ n: 2 });
  await hasSent(uuid, 2);
  await held.close();
  const renewed = await connect(uuid, second);
  await renewed.send({ n: 3 });
  await hasSent(uuid, 3);
  await renewed.close();

  expect(await balena.variables(uuid)).toEqual({});
  const places = {
    ...(await readFiles(system.folder, [])),
    output: system.lines.join('\n'),
    tables: await readTables(stack.endpoints.tables?.connectionString ?? ''),
  };
  expect(findLeaks({ 'the first key': first.key, 'the second key': second.key }, places)).toEqual([]);
});

test('a device changes to an own key, and is never cut off', async () => {
  const device = await newDevice();
  const { uuid } = device;
  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');
  const issued = await system.credentials(uuid);
  const own = await ownPair(uuid);
  expect((await ask(device, own.cert)).status).toBe(202);
  expect(await accepted(uuid, own)).toMatchObject({ issuedUntil: expect.any(String) });
  expect(await hub.thumbprints(uuid)).toEqual([own.thumbprint, issued.thumbprint]);
  expect(await balena.variables(uuid)).toHaveProperty('main.AZURE_PRIVATE_KEY');
  for (const pair of [issued, own]) await (await connect(uuid, pair)).close();

  // The device shows that it uses its own certificate.
  expect((await ask(device, own.cert, own.thumbprint)).status).toBe(202);
  await waitFor('the issued key is gone', async () => Object.keys(await balena.variables(uuid)).length === 0);
  await waitFor('the handover is over', async () => (await system.get(uuid)).json.state === 'provisioned');
  expect(await hub.thumbprints(uuid)).toEqual([own.thumbprint, own.thumbprint]);
  await expect(connect(uuid, issued)).rejects.toThrow();

  // Nobody else can take the device off its own key.
  expect((await system.post(uuid, 'main')).json).toMatchObject({
    status: 401,
    code: 'provision.proof-missing',
  });
  const back = await call('POST', '/api/provision', {
    key: provisionKey,
    body: { uuid, balena_service: 'main' },
    headers: { authorization: `Bearer ${device.apiKey}` },
  });
  expect(back.json).toMatchObject({ status: 409, code: 'service-conflict' });
});

/** A key, and the request for a certificate of the key, as docs/own-keys.md says. */
async function newRequest(uuid: string): Promise<{ csr: string; key: string }> {
  if (!openssl) {
    const keys = await newKeys();
    const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
    const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
    return { csr: await csrOf(uuid, { keys }), key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }
  const cwd = await runCommandsOf(/```sh\n(openssl (?:(?!```).)*?csr\.pem\n)```/s, uuid);
  return {
    csr: await readFile(join(cwd, 'csr.pem'), 'utf8'),
    key: await readFile(join(cwd, 'key.pem'), 'utf8'),
  };
}

test('a certificate request: the CA signs, telemetry arrives, the same key is renewed, and a revocation ends the key', async () => {
  const device = await newDevice();
  const { uuid } = device;
  const { csr, key } = await newRequest(uuid);
  const request = (uses?: string) =>
    send({ uuid, csr, ...(uses !== undefined && { uses }) }, `Bearer ${device.apiKey}`);
  const signed = (before = '') =>
    waitFor('the CA has signed', async () => {
      const { json } = await system.get(uuid);
      const { state, certificate } = json as { state?: string; certificate?: Signed };
      const isDone = state === 'provisioned' && certificate?.pem && certificate.thumbprint !== before;
      return isDone ? certificate : null;
    });
  expect((await send({ uuid, csr }, '')).json).toMatchObject({
    status: 401,
    code: 'provision.proof-missing',
  });
  expect((await request()).status).toBe(202);
  const first = await signed();
  const certificate = new X509Certificate(first.pem);
  const ca = new X509Certificate(first.chain);
  expect(certificate.checkIssued(ca) && certificate.verify(ca.publicKey)).toBe(true);
  expect(first.issuer).toBe('ca');
  expect(await hub.thumbprints(uuid)).toEqual([first.thumbprint, first.thumbprint]);
  const held = await connect(uuid, { cert: first.pem, key, thumbprint: first.thumbprint });
  await held.send({ n: 1 });
  await hasSent(uuid, 1);

  // The same request again changes nothing.
  expect([200, 202]).toContain((await request(first.thumbprint)).status);
  expect((await signed()).thumbprint).toBe(first.thumbprint);
  // After RENEW_AT the same key gets another certificate. Here the record says that the certificate is old.
  await makeOld(uuid);
  expect((await request(first.thumbprint)).status).toBe(202);
  const second = await signed(first.thumbprint);
  expect(await hub.thumbprints(uuid)).toEqual([second.thumbprint, first.thumbprint]);
  await held.send({ n: 2 });
  await hasSent(uuid, 2);
  await held.close();
  await (await connect(uuid, { cert: second.pem, key, thumbprint: second.thumbprint })).close();

  await rotate(app, uuid, { revoke: true });
  await waitFor('the key is revoked', async () => (await hub.thumbprints(uuid)) === null);
  await system.state(uuid, 'failed');
  expect((await request()).json).toMatchObject({ status: 422, code: 'certificate-revoked' });
  expect(await balena.variables(uuid)).toEqual({});

  const places = {
    ...(await readFiles(system.folder, ['ca.pem'])),
    output: system.lines.join('\n'),
    tables: await readTables(stack.endpoints.tables?.connectionString ?? ''),
  };
  const caKey = scalarOf(await readFile(join(system.folder, 'ca.pem'), 'utf8'));
  const secrets = { 'the key of the device': scalarOf(key), 'the key of the CA': caKey };
  expect(findLeaks(secrets, places)).toEqual([]);
});

/** The private part of an EC key. The PEM of the key has the public key too, which is in the record. */
const scalarOf = (pem: string) => String(createPrivateKey(pem).export({ format: 'jwk' }).d);

interface Signed {
  thumbprint: string;
  issuer: string;
  pem: string;
  chain: string;
}

/** The certificate is almost at its end. */
async function makeOld(uuid: string): Promise<void> {
  await app.records.amend(uuid, (record) => {
    if (!record?.desired.own?.thumbprint) return null;
    const own = { ...record.desired.own, notBefore: 0, notAfter: Date.now() + 60_000 };
    return { ...record, desired: { ...record.desired, own } };
  });
}

test('a request without a proof, or with a wrong certificate, changes nothing; DELETE removes the identity', async () => {
  const [device, other] = [await newDevice(), await newDevice()];
  const own = await ownPair(device.uuid);
  for (const [certificate, authorization, expected] of [
    [own.cert, '', { status: 401, code: 'provision.proof-missing' }],
    [own.cert, `Bearer ${other.apiKey}`, { status: 401, code: 'provision.proof-wrong' }],
    [own.key, undefined, { status: 400, code: 'provision.request.certificate-with-key' }],
    [
      (await ownPair(other.uuid)).cert,
      undefined,
      { status: 422, code: 'provision.request.certificate-wrong-subject' },
    ],
  ] as const)
    expect((await ask(device, certificate, undefined, authorization)).json).toMatchObject(expected);
  expect((await system.get(device.uuid)).status).toBe(404);

  await ask(device, own.cert);
  await accepted(device.uuid, own);
  const removed = await call('DELETE', `/api/provision/${device.uuid}`, { key: deprovisionKey });
  expect(removed.status).toBe(202);
  await system.state(device.uuid, 'deprovisioned');
  expect(await hub.thumbprints(device.uuid)).toBeNull();
});
