import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles the CLI and the simulators into `dist`, in the place of the compiler's output. A process then loads a few files instead of
 * 300 to 3,500, and needs half the CPU time for its start. `npm run build` runs this file.
 */
const project = fileURLToPath(new URL('../..', import.meta.url));

/** The host is not among the entries: the host changes a constant in a package of the client of Service Bus. */
const entries = [
  'cli/run',
  ...['balena', 'iothub', 'servicebus', 'tables'].map((name) => `local/simulators/${name}/main`),
];

/** The CommonJS packages in the bundles use three names that ES modules lack. */
const commonJs = [
  "import { createRequire as bundleCreateRequire } from 'node:module';",
  'const require = bundleCreateRequire(import.meta.url);',
  'const __filename = import.meta.filename;',
  'const __dirname = import.meta.dirname;',
].join(' ');

const { metafile } = await build({
  absWorkingDir: project,
  entryPoints: entries.map((entry) => ({ in: `${entry}.ts`, out: entry })),
  outdir: 'dist',
  chunkNames: 'chunks/[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  // Some libraries decide by the name of an error's class.
  keepNames: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  banner: { js: commonJs },
  alias: {
    // balena-sdk chooses its build at run time, and a bundler cannot follow the choice.
    'balena-sdk': 'balena-sdk/es2018/index.js',
    // The module of Node with this name prints a warning, except for a caller in node_modules.
    punycode: 'punycode/punycode.js',
  },
  // Azurite loads its telemetry even where the telemetry is off: 3,000 files.
  plugins: [
    {
      name: 'without-telemetry',
      setup(bundler) {
        bundler.onResolve({ filter: /^applicationinsights$/ }, ({ path }) => ({ path, namespace: 'empty' }));
        bundler.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'module.exports = {};' }));
      },
    },
  ],
  external: ['encoding'],
  metafile: true,
  logLevel: 'error',
});

// The names of the chunks depend on their content. Chunks of earlier builds are removed.
const current = new Set(Object.keys(metafile.outputs).map((file) => basename(file)));
for (const name of readdirSync(join(project, 'dist/chunks')))
  if (!current.has(name)) rmSync(join(project, 'dist/chunks', name), { force: true });
