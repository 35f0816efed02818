import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';

/**
 * Builds the operators' page into `dist/page/`. The bundler puts the scripts and styles of this folder into one file,
 * `ops.html`. Beside the page stand its compressed copies (`.br`, `.gz`) and `ops.headers.json`, the response headers that
 * depend on the content. `src/http/ops/page.ts` serves these files.
 *
 * `npm start` builds too. The build is skipped if no source has changed since the last build.
 */
const here = fileURLToPath(new URL('.', import.meta.url));
const project = join(here, '..');
const folder = join(project, 'dist/page');
const names = { html: 'ops.html', br: 'ops.html.br', gz: 'ops.html.gz', headers: 'ops.headers.json' };

/** Modules of `src/` whose code is bundled. Type imports leave no code in the bundle and are not listed. */
const shared = [
  'src/health/statusText.ts',
  'src/ops/bulk/outcome.ts',
  'src/ops/failures/runbook.ts',
  'src/shared/errorPolicy.ts',
  'src/shared/printable.ts',
];

const stamp = `<meta name="built-from" content="${await digest()}">`;
if (!(await isBuilt())) {
  const html = Buffer.from(await bundle());
  const headers = {
    'content-security-policy': contentSecurityPolicy(html.toString()),
    // A weak tag, because all encodings of the page share the tag.
    etag: `W/"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"`,
  };
  await mkdir(folder, { recursive: true });
  await write(names.headers, `${JSON.stringify(headers, null, 2)}\n`);
  await write(names.br, await promisify(brotliCompress)(html));
  await write(names.gz, await promisify(gzip)(html, { level: 9 }));
  // The page is written last: its stamp marks the build as complete.
  await write(names.html, html);
}

async function isBuilt(): Promise<boolean> {
  const found = await readdir(folder).catch((): string[] => []);
  if (!Object.values(names).every((name) => found.includes(name))) return false;
  return (await readFile(join(folder, names.html), 'utf8')).includes(stamp);
}

/** @returns the page with its script and style inline */
async function bundle(): Promise<string> {
  // Imported on demand: loading the bundler takes longer than everything else in this file.
  const { build, stop } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    metafile: true,
    absWorkingDir: project,
    entryPoints: { script: join(here, 'main.tsx'), style: join(here, 'ops.css') },
    outdir: folder,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    target: ['chrome117', 'firefox124', 'safari17.4'],
    legalComments: 'none',
  });
  await stop();
  const unknown = Object.keys(metafile.inputs).filter(
    (input) => !/^(page|node_modules)\//.test(input) && !shared.includes(input),
  );
  if (unknown.length > 0)
    throw new Error(
      `The page's bundle contains ${unknown}, but a change of that file would not rebuild the page: add the file to "shared" in page/build.ts.`,
    );
  const output = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  return (await readFile(join(here, 'ops.html'), 'utf8'))
    .replace('<style></style>', () => `${stamp}<style>${output('.css')}</style>`)
    .replace('<script type="module"></script>', () => `<script type="module">${output('.js')}</script>`);
}

/**
 * The content security policy of a page whose script and style are inline. The policy allows these two by their hashes, and
 * requests to the page's own origin. Everything else is forbidden.
 */
function contentSecurityPolicy(html: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashes(html, /<script[^>]*>(.*?)<\/script>/gs)}`,
    `style-src ${hashes(html, /<style[^>]*>(.*?)<\/style>/gs)}`,
    "connect-src 'self'",
    // The page's own icon and the icons in the style are data: URLs.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

function hashes(html: string, elements: RegExp): string {
  return [...html.matchAll(elements)]
    .map(([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`)
    .join(' ');
}

/** Replaces a file in one step: a host may read the file during the build and must not see half of the content. */
async function write(name: string, content: string | Uint8Array): Promise<void> {
  const target = join(folder, name);
  await writeFile(`${target}.${process.pid}`, content);
  await rename(`${target}.${process.pid}`, target);
}

/** The hash of all sources: the files of this folder, the shared modules and, through the lock file, the packages. */
async function digest(): Promise<string> {
  const entries = await readdir(here, { recursive: true, withFileTypes: true });
  const own = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const others = [...shared, 'package-lock.json'].map((name) => join(project, name));
  const hash = createHash('sha256');
  for (const file of [...own.sort(), ...others])
    hash.update(file.slice(project.length)).update(await readFile(file));
  return hash.digest('hex');
}
