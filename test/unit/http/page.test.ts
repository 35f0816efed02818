import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { openPage } from '../../../src/http/ops/page.js';

const html = `<html><style>a{}</style><script type="module">f()</script>${'x'.repeat(2_000)}</html>`;
const sha256 = (text: string) => createHash('sha256').update(text).digest('base64');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-'));
});
afterEach(() => rm(folder, { recursive: true }));

const file = () => join(folder, 'ops.html');
const asker = () => {
  const answer = openPage(pathToFileURL(file()));
  return async (headers: Record<string, string> = {}) => {
    const { status, headers: given, body } = await answer({ headers: new Headers(headers) });
    return { status, headers: given as Record<string, string>, body: body as Uint8Array };
  };
};

test('the page runs its own script and style only, is in no frame, and talks to where it came from', async () => {
  await writeFile(file(), html);
  const { status, headers, body } = await asker()();
  expect(status).toBe(200);
  expect(Buffer.from(body).toString()).toBe(html);
  expect(headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; script-src 'sha256-${sha256('f()')}'; style-src 'sha256-${sha256('a{}')}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
});

test.each([
  ['br, gzip', 'br', (bytes: Uint8Array) => brotliDecompressSync(bytes)],
  ['gzip, deflate', 'gzip', (bytes: Uint8Array) => gunzipSync(bytes)],
  ['gzip;q=1.0, br;q=0', 'gzip', (bytes: Uint8Array) => gunzipSync(bytes)],
])('who accepts %s gets %s', async (accepted, encoding, open) => {
  await writeFile(file(), html);
  const { headers, body } = await asker()({ 'accept-encoding': accepted });
  expect(headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' });
  expect(body.length).toBeLessThan(html.length / 4);
  expect(open(body).toString()).toBe(html);
});

test('who has it already gets nothing again', async () => {
  await writeFile(file(), html);
  const ask = asker();
  const { headers } = await ask();
  const etag = headers.etag ?? '';
  expect(await ask({ 'if-none-match': etag })).toMatchObject({ status: 304, body: undefined });
  expect(await ask({ 'if-none-match': `"other", ${etag.replace('W/', '')}` })).toMatchObject({ status: 304 });
  expect(await ask({ 'if-none-match': '"other"' })).toMatchObject({ status: 200 });
});

test('a page that was not built says so, and is there once it is', async () => {
  const ask = asker();
  const { status, body } = await ask();
  expect(status).toBe(500);
  expect(JSON.parse(String(body))).toMatchObject({
    code: 'ops.page-not-built',
    detail: expect.stringContaining('npm run build'),
  });
  await writeFile(file(), html);
  expect(await ask()).toMatchObject({ status: 200 });
});
