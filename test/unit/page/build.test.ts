import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { projectFolder } from '../../../local/stack/projectFolder.js';

// `npm test` builds the page first.
const read = (name: string) => readFile(join(projectFolder(), 'dist/page', name));
const html = await read('ops.html');
const headers = JSON.parse((await read('ops.headers.json')).toString());

test('the policy allows the page its own script and style, and requests to its own origin', () => {
  const hash = (element: RegExp) => {
    const [, text = ''] = element.exec(html.toString()) ?? [];
    expect(text.length).toBeGreaterThan(1_000);
    return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  };
  expect(headers['content-security-policy'].split('; ')).toEqual([
    "default-src 'none'",
    `script-src ${hash(/<script type="module">(.*?)<\/script>/s)}`,
    `style-src ${hash(/<style>(.*?)<\/style>/s)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
});

test('the tag is weak and follows the content', () => {
  const hash = createHash('sha256').update(html).digest('base64url');
  expect(headers.etag).toBe(`W/"${hash.slice(0, 22)}"`);
});

test.each([
  ['ops.html.br', brotliDecompressSync],
  ['ops.html.gz', gunzipSync],
])('%s holds the same page in less than half of the bytes', async (name, decompress) => {
  const compressed = await read(name);
  expect(decompress(compressed).equals(html)).toBe(true);
  expect(compressed.length).toBeLessThan(html.length / 2);
});
