import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { openPage } from '../../../src/http/ops/page.js';

const etag = 'W/"tag"';
const policy = "default-src 'none'";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes the files of `page/build.ts`. */
async function build(): Promise<void> {
  const files = {
    'ops.html': 'plain',
    'ops.html.br': 'as brotli',
    'ops.html.gz': 'as gzip',
    'ops.headers.json': JSON.stringify({ 'content-security-policy': policy, etag }),
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
}

/** @returns a client of the page in `folder` */
function open() {
  const answer = openPage(pathToFileURL(join(folder, 'ops.html')));
  return async (headers: Record<string, string> = {}) => {
    const { status, headers: given, body } = await answer({ headers: new Headers(headers) });
    return { status, headers: given as Record<string, string>, body: body && String(body) };
  };
}

test('the page is served with the headers of the build, and is never taken for anything but a page', async () => {
  await build();
  expect(await open()()).toEqual({
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      vary: 'accept-encoding',
      etag,
    },
    body: 'plain',
  });
});

test.each([
  ['gzip, deflate, br', 'br', 'as brotli'],
  ['gzip, deflate', 'gzip', 'as gzip'],
  ['gzip;q=1.0, br;q=0', 'gzip', 'as gzip'],
  ['GZIP', 'gzip', 'as gzip'],
  ['zstd, gzip;q=0.000', undefined, 'plain'],
  ['', undefined, 'plain'],
])('a client that accepts "%s" gets %s', async (accepted, encoding, expected) => {
  await build();
  const { headers, body } = await open()({ 'accept-encoding': accepted });
  expect({ encoding: headers['content-encoding'], body }).toEqual({ encoding, body: expected });
});

test('a client that has the page gets no body', async () => {
  await build();
  const get = open();
  const known = [etag, '"tag"', `"other", ${etag}`, '*'];
  for (const tag of known)
    expect(await get({ 'if-none-match': tag })).toMatchObject({ status: 304, body: undefined });
  for (const tag of ['"other"', ''])
    expect(await get({ 'if-none-match': tag })).toMatchObject({ status: 200 });
});

test('without a build the answer says what to do, and after a build the page is there', async () => {
  const get = open();
  const { status, body } = await get();
  expect(status).toBe(500);
  expect(JSON.parse(body ?? '')).toMatchObject({
    code: 'ops.page-not-built',
    detail: expect.stringContaining('npm run build'),
  });
  await build();
  expect(await get()).toMatchObject({ status: 200, body: 'plain' });
});
