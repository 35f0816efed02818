import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkCa, checkParts } from '../../../../cli/doctor/checkCa.js';
import { makeCa } from '../../../../local/stack/localCa.js';
import type { CaKey } from '../../../../src/certificates/ca/caKey.js';
import { openFileKey } from '../../../../src/certificates/ca/fileKey.js';
import { readCaCertificates } from '../../../../src/shared/caCertificates.js';
import { type ErrorCode, ProvisioningError } from '../../../../src/shared/errors.js';

const at = Date.now();
const day = 86_400_000;
const pem = await makeCa('CN=Test CA', new Date(at + 100 * day));

async function found(key: CaKey = openFileKey(pem), { days = 30, now = at } = {}) {
  const certificates = readCaCertificates(pem);
  if (typeof certificates === 'string') throw new Error(certificates);
  return checkParts({ certificates, key }, days, now);
}

test('a CA that can sign: type of the key, end of the certificate, and the signature', async () => {
  expect(await found()).toEqual([
    expect.objectContaining({
      name: 'ca: certificate',
      level: 'ok',
      detail: expect.stringMatching(/^EC P-256, valid until 20/),
    }),
    expect.objectContaining({ name: 'ca: key', level: 'ok' }),
  ]);
});

test.each([
  ['soon', 80 * day, 'warning', /in less than CERT_DAYS \(30\)/],
  ['within a day', 99.5 * day, 'failed', /signs nothing in its last day/],
  ['in the past', 101 * day, 'failed', /ended at .* wait/],
  ['not begun', -day, 'failed', /begins at/],
])('the certificate ends: %s', async (_, after, level, detail) => {
  const [certificate, key] = await found(undefined, { now: at + after });
  expect(certificate).toMatchObject({
    level,
    detail: expect.stringMatching(detail),
    todo: expect.stringContaining('npx provisioner ca certificate'),
  });
  // The key is checked nevertheless.
  expect(key?.level).toBe('ok');
});

test('a key of another certificate', async () => {
  const [certificate, key] = await found(openFileKey(await makeCa('CN=Test CA')));
  expect(certificate?.level).toBe('ok');
  expect(key).toMatchObject({ level: 'failed', todo: expect.stringContaining('set CA_KEY_VAULT_KEY') });
});

test('a key that does not sign: each fault has its own next step', async () => {
  const failing = (code: ErrorCode): CaKey => ({
    sign: async () => {
      throw new ProvisioningError(code, `The fault ${code}.`, { step: 'sign' });
    },
  });
  const todos = new Set<string>();
  for (const code of [
    'ca-unavailable',
    'ca-throttled',
    'ca-unauthorized',
    'ca-unusable',
    'unexpected',
  ] as const) {
    const [, key] = await found(failing(code));
    expect(key).toMatchObject({
      level: code === 'ca-throttled' ? 'warning' : 'failed',
      detail: `The fault ${code}.`,
    });
    todos.add(key?.todo ?? '');
  }
  expect(todos.size).toBe(5);
});

test('without a CA nothing is checked, and an unreadable file is named', async () => {
  const certificate = { days: 30 };
  expect(await checkCa({ ca: null, certificate })).toEqual([]);
  const file = join(tmpdir(), `doctor-ca-${process.pid}.pem`);
  expect(await checkCa({ ca: { file }, certificate })).toEqual([
    expect.objectContaining({ level: 'failed', todo: expect.stringContaining('CA_FILE') }),
  ]);
  await writeFile(file, pem, { mode: 0o600 });
  expect((await checkCa({ ca: { file }, certificate })).map(({ level }) => level)).toEqual(['ok', 'ok']);
});
