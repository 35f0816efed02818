import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { buildSite } from '../../../local/docs/buildSite.js';
import { isExternal } from '../../../local/docs/deadLinks.js';
import { serveSite } from '../../../local/docs/serveSite.js';

const folder = await mkdtemp(join(tmpdir(), 'site-'));
const built = await buildSite(folder);
const server = await serveSite(folder, 0);
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

const files = (await readdir(folder, { recursive: true })).map((file) => file.replaceAll('\\', '/'));
const pages = new Map(
  await Promise.all(
    files
      .filter((file) => file.endsWith('.html'))
      .map(async (file) => [file, await readFile(join(folder, file), 'utf8')] as const),
  ),
);

test('every document is a page', () => {
  expect(pages.size).toBe(built);
  expect([...pages.keys()]).toEqual(
    expect.arrayContaining(['index.html', 'docs/index.html', 'SECURITY.html']),
  );
});

test('every link of every page leads to a file of the site, and to an id in it', () => {
  const dead = [...pages].flatMap(([page, html]) =>
    [...html.matchAll(/\b(?:href|src|srcset)="([^"]*)"/g)]
      .map(([, target = '']) => target)
      .filter((target) => !isExternal(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const to = path === '' ? page : posix.join(posix.dirname(page), path);
        return !files.includes(to) || (anchor !== undefined && !pages.get(to)?.includes(`id="${anchor}"`));
      })
      .map((target) => `${page}: ${target}`),
  );
  expect(dead).toEqual([]);
});

test('no page needs another host, or a script', () => {
  for (const [page, html] of pages) {
    expect([page, html.match(/<script\b|\bsrc(?:set)?="https?:|<link [^>]*href="https?:/)]).toEqual([
      page,
      null,
    ]);
  }
});

test('the navigation names each page once, and marks the present page', () => {
  const html = pages.get('docs/azure.html') ?? '';
  expect(html).toContain('<a href="azure.html" aria-current="page">Azure</a>');
  expect(html).toContain('<a href="../SECURITY.html">Security</a>');
});

test('the server serves pages, and nothing outside of the site', async () => {
  const { port } = server.address() as AddressInfo;
  const at = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  expect(await (await at('/')).text()).toBe(pages.get('index.html'));
  expect((await at('/docs/')).headers.get('content-type')).toBe('text/html; charset=utf-8');
  for (const path of [
    '/nothing.html',
    '/..%2f..%2fetc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/%ff',
    '/docs',
    '//',
  ])
    expect([path, (await at(path)).status]).toEqual([path, 404]);
});
