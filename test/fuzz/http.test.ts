import { createPublicKey, X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { thumbprintOf } from '../../src/certificates/mint.js';
import { findLeaks } from '../e2e/support/findLeaks.js';
import { readFiles } from '../e2e/support/readFiles.js';
import { readTables } from '../e2e/support/readTables.js';
import { useSystem } from '../e2e/support/useSystem.js';
import { newSecret } from '../support/signedWebhook.js';
import {
  certificateTexts,
  csrTexts,
  type Pair,
  pairOf,
  type Texts,
  usesText,
} from './support/certificates.js';
import { csrPairOf, knownCsrs } from './support/csrs.js';
import { rawRequest, sendRaw } from './support/raw.js';
import { anyRequest } from './support/requests.js';
import { sender } from './support/send.js';
import { stackTrace, undocumented } from './support/undocumented.js';

/** A build repeats itself. FUZZ_SEED gives other requests. */
const seed = Number(process.env.FUZZ_SEED ?? 1);

const lines: string[] = [];
const known = { keys: { provisionKey: '', deprovisionKey: '', opsKey: '' }, secret: newSecret() };
const system = await useSystem({
  settings: { WEBHOOK_SECRETS: known.secret },
  onLine: (name, line) => lines.push(`${name}: ${line}`),
});
const { url, ...keys } = system.stack.endpoints.functions;
known.keys = keys;
const { send, close } = sender(url);
afterAll(close);

async function newDevice(): Promise<{ uuid: string; apiKey: string }> {
  const [device] = await system.balena.tell<{ uuid: string; apiKey: string }[]>('POST /devices', {});
  if (!device) throw new Error('the balena simulator made no device');
  return device;
}

const batch = <T>(requests: fc.Arbitrary<T>, size: number) =>
  fc.array(requests, { minLength: size, maxLength: size });

/** The failure without the whole batch, which would be unreadable. */
function reporter<T>({ failed, errorInstance }: fc.RunDetails<T>) {
  if (failed) throw new Error(`with FUZZ_SEED=${seed}: ${errorInstance}`);
}

function expectUnharmed() {
  // A 500 of the host itself has no error after it: HTTP/1.0 without Host, and a body above the limit for an anonymous function.
  const bad = / 500 in \d+ ms: |unexpected|uncaught|unhandled|^\S+: +at /i;
  expect(lines.filter((line) => bad.test(line))).toEqual([]);
  expect(system.stack.hosts.map(({ process }) => process.exitCode)).toEqual([null]);
}

test('whatever is sent, the answer is a documented one, and the system goes on', async () => {
  const counts: Record<string, number> = {};
  const run = fc.asyncProperty(batch(anyRequest(known), 42), async (requests) => {
    const answers = await Promise.all(requests.map(send));
    for (const [at, answer] of answers.entries()) {
      const { method, target, headers, body } = requests[at]!;
      const outcome = `${method} ${answer.status}`;
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      const wrong = undocumented(method, answer);
      const sent = { headers, body: Buffer.from(body).toString('latin1').slice(0, 2_000) };
      if (wrong) throw new Error(`${method} ${target}: ${wrong}\n${JSON.stringify({ sent, answer })}`);
    }
  });
  await fc.assert(run, { numRuns: 240, endOnFailure: true, seed, reporter });

  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(10_000);
  // The requests reached all functions, and not only the host's checks.
  const everywhere = ['POST 202', 'POST 400', 'POST 401', 'POST 413', 'DELETE 202', 'GET 200', 'PUT 404'];
  for (const outcome of everywhere)
    expect({ outcome, times: counts[outcome] ?? 0 }).not.toMatchObject({ times: 0 });
  expectUnharmed();
  await system.provisioned();
});

/** Sends own keys of a device, and checks each answer. @param name the member of the body */
function registering(name: 'certificate' | 'csr', device: { uuid: string; apiKey: string }) {
  const codes: Record<string, number> = {};
  const answers: string[] = [];
  const known = new RegExp(
    `^(20[02]|400 provision\\.request\\.(bad-(${name}|uses)|${name}-(too-large|with-key))|422 provision\\.request\\.${name}-[a-z-]+|413 provision\\.request\\.too-large)$`,
  );
  const register = async (sent: string, uses?: string): Promise<string> => {
    const { status, json, text } = await system.call('POST', '/api/provision', {
      key: keys.provisionKey,
      body: { uuid: device.uuid, [name]: sent, uses },
      headers: { authorization: `Bearer ${device.apiKey}` },
    });
    const outcome = status < 300 ? `${status}` : `${status} ${json.code}`;
    codes[outcome] = (codes[outcome] ?? 0) + 1;
    answers.push(text);
    const isClear = status < 300 || /^[A-Z"].{20,400}\.$/.test(json.detail ?? '');
    if (!known.test(outcome) || !isClear || stackTrace.test(text))
      throw new Error(`${outcome} to ${JSON.stringify(sent)}: ${text}`);
    return outcome;
  };
  return { codes, answers, register };
}

/** Sends known texts, and then random ones. */
async function sendTexts(
  { known, any }: Texts,
  pairs: [Pair, Pair],
  register: (sent: string, uses?: string) => Promise<string>,
  numRuns: number,
) {
  for (const make of known) await register(make(...pairs));
  const run = fc.asyncProperty(batch(fc.tuple(any, usesText), 20), async (texts) => {
    await Promise.all(texts.map(([make, uses]) => register(make(...pairs), uses)));
  });
  await fc.assert(run, { numRuns, endOnFailure: true, seed, reporter });
}

/** No place may have one of the private keys. */
async function expectNoKey([pair, foreign]: [Pair, Pair], answers: readonly string[]) {
  const places = {
    answers: answers.join('\n'),
    log: lines.join('\n'),
    tables: await readTables(system.stack.endpoints.tables?.connectionString ?? ''),
    ...(await readFiles(system.folder, [])),
  };
  expect(findLeaks({ 'the key': pair.key, 'the other key': foreign.key }, places)).toEqual([]);
}

test('whatever is sent as a certificate, the answer has a known code, and no key comes back', async () => {
  const [device, other] = await Promise.all([newDevice(), newDevice()]);
  const pairs: [Pair, Pair] = await Promise.all([pairOf(device.uuid), pairOf(other.uuid)]);
  const { codes, answers, register } = registering('certificate', device);
  await sendTexts(certificateTexts, pairs, register, 40);

  expect(codes).toMatchObject({
    '400 provision.request.bad-certificate': expect.any(Number),
    '400 provision.request.certificate-with-key': expect.any(Number),
    '400 provision.request.certificate-too-large': expect.any(Number),
    '422 provision.request.certificate-wrong-subject': expect.any(Number),
    '422 provision.request.certificate-not-self-signed': expect.any(Number),
  });
  await expectNoKey(pairs, answers);
  // Nothing but the one good certificate has reached the hub.
  await system.state(device.uuid, 'provisioned');
  const good = thumbprintOf(new X509Certificate(pairs[0].cert));
  expect(await system.hub.thumbprints(device.uuid)).toEqual([good, good]);
  expectUnharmed();
});

test('whatever is sent as a certificate request, the answer has a known code, and only the key of the device gets a certificate', async () => {
  const [device, other] = await Promise.all([newDevice(), newDevice()]);
  const pairs: [Pair, Pair] = [csrPairOf(device.uuid), csrPairOf(other.uuid)];
  const { codes, answers, register } = registering('csr', device);
  for (const { csr, expected } of knownCsrs(device.uuid, pairs[0]))
    expect(await register(csr)).toMatch(new RegExp(`^${expected}`));
  await sendTexts(csrTexts, pairs, register, 15);

  expect(codes).toMatchObject({
    '400 provision.request.bad-csr': expect.any(Number),
    '400 provision.request.csr-with-key': expect.any(Number),
    '400 provision.request.csr-too-large': expect.any(Number),
    '422 provision.request.csr-wrong-subject': expect.any(Number),
    '422 provision.request.csr-wrong-signature': expect.any(Number),
    '422 provision.request.csr-weak-key': expect.any(Number),
    '422 provision.request.csr-weak-signature': expect.any(Number),
  });
  await expectNoKey(pairs, answers);
  const { certificate } = await system.state(device.uuid, 'provisioned');
  const { thumbprint = '', pem } = certificate ?? {};
  expect(await system.hub.thumbprints(device.uuid)).toEqual([thumbprint, thumbprint]);
  const publicKey = createPublicKey(pairs[0].key).export({ type: 'spki', format: 'pem' });
  expect(new X509Certificate(pem ?? '').publicKey.export({ type: 'spki', format: 'pem' })).toBe(publicKey);
  expectUnharmed();
});

test('what is hardly HTTP is refused or dropped, and the system goes on', async () => {
  const statuses = new Set<number>();
  const run = fc.asyncProperty(batch(rawRequest(known), 20), async (requests) => {
    const answers = await Promise.all(requests.map((bytes) => sendRaw(url, bytes)));
    for (const [at, { status, text }] of answers.flatMap((all, index) =>
      all.map((each) => [index, each] as const),
    )) {
      statuses.add(status);
      const usual = [100, 101, 200, 202, 400, 401, 404, 408, 409, 413, 414, 415, 417, 422, 431];
      const documented = usual.includes(status) || (status === 500 && text.includes('content-length: 0'));
      const sent = Buffer.from(requests[at]!).toString('latin1').slice(0, 2_000);
      if (!documented || stackTrace.test(text)) throw new Error(`${text}\nto ${sent}`);
    }
  });
  await fc.assert(run, { numRuns: 60, endOnFailure: true, seed, reporter });

  expect([...statuses]).toEqual(expect.arrayContaining([400, 401, 404, 431]));
  // Some of the inputs are valid HTTP.
  expect(statuses.has(200) || statuses.has(202)).toBe(true);
  expectUnharmed();
  await system.provisioned();
});
