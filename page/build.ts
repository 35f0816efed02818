import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Makes the page of ops: script and style of this folder, bundled, minified and put into `ops.html`, as one file in
 * `dist/page/`. If nothing has changed since the last time, nothing is done: `npm start` builds.
 */
const here = fileURLToPath(new URL('.', import.meta.url));
const project = join(here, '..');
const target = join(project, 'dist/page/ops.html');

/** What the page shares with the product at run time; types cost nothing, and are not counted. */
const shared = ['src/shared/errorPolicy.ts'];

const stamp = `<meta name="built-from" content="${await digest()}">`;
const before = await readFile(target, 'utf8').catch(() => '');
if (!before.includes(stamp)) {
  // Loaded only now: that takes longer than all the rest.
  const { build, stop } = await import('esbuild-wasm');
  const { outputFiles, metafile } = await build({
    metafile: true,
    absWorkingDir: project,
    entryPoints: { script: join(here, 'main.tsx'), style: join(here, 'ops.css') },
    outdir: join(project, 'dist/page'),
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
    throw new Error(`the page would not be built anew when ${unknown} changes: add it to "shared"`);
  const output = (end: string) => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  const html = (await readFile(join(here, 'ops.html'), 'utf8'))
    .replace('<style></style>', () => `${stamp}<style>${output('.css')}</style>`)
    .replace('<script type="module"></script>', () => `<script type="module">${output('.js')}</script>`);
  await mkdir(join(project, 'dist/page'), { recursive: true });
  // Never half a page, for a host that reads it meanwhile.
  await writeFile(`${target}.${process.pid}`, html);
  await rename(`${target}.${process.pid}`, target);
}

/** Of everything that the page is made of: what is written here, and, by the lock file, the packages. */
async function digest(): Promise<string> {
  const names = await readdir(here, { recursive: true, withFileTypes: true });
  const own = names.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const others = [...shared, 'package-lock.json'].map((name) => join(project, name));
  const hash = createHash('sha256');
  for (const file of [...own.sort(), ...others])
    hash.update(file.slice(project.length)).update(await readFile(file));
  return hash.digest('hex');
}
