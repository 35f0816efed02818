import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { build, type Metafile, type Plugin } from 'esbuild';

/** The modules outside of the bundle, each with its reason. The package leaves open only these imports. */
export const leftOut: Readonly<Record<string, string>> = {
  '@azure/functions-core':
    'The worker of the Functions host provides this module. npm has no package for it.',
  encoding:
    'An optional package of node-fetch for pages in old character sets. npm does not install the package, and node-fetch works without.',
};

/**
 * balena-sdk chooses its build at run time, by the version of Node (`require('./' + esVersion)`). A bundler cannot follow this choice, so
 * the newest build is named here.
 */
const chosenAtRunTime = { 'balena-sdk': 'balena-sdk/es2018/index.js' };

/**
 * The packages of OpenTelemetry have a second build, of ES modules. Of this build, the bundle gets only the used code. Other packages with two
 * builds stay as Node loads them, because some of them work only so.
 */
const openTelemetryModules: Plugin = {
  name: 'opentelemetry-modules',
  setup(bundler) {
    bundler.onResolve({ filter: /^@opentelemetry\/[\w-]+$/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === openTelemetryModules) return null;
      const found = await bundler.resolve(path, { ...from, pluginData: openTelemetryModules });
      const module = found.path.replace(/\bbuild\/src\b/, 'build/esm');
      return existsSync(module) ? { ...found, path: module } : found;
    });
  },
};

/** The CommonJS packages in the bundle use three names that ES modules lack. */
const commonJs = [
  "import { createRequire as bundleCreateRequire } from 'node:module';",
  "import { fileURLToPath as bundleFileURLToPath } from 'node:url';",
  'const require = bundleCreateRequire(import.meta.url);',
  'const __filename = bundleFileURLToPath(import.meta.url);',
  "const __dirname = bundleFileURLToPath(new URL('.', import.meta.url));",
].join(' ');

/** Source maps count only for modules that are loaded after this call, so the functions are imported dynamically. */
const main = `import { setSourceMapsSupport } from 'node:module';

setSourceMapsSupport(true);
await import('./functions.js');
`;

/** The parts of the package that come from the bundler. */
export interface Bundle {
  /** The modules with code in the bundle, by their paths in the project. */
  inputs: string[];
  /** The modules that are loaded at the start, before any invocation. */
  loadedAtStart: string[];
  /** Imports that stay open, without the modules of Node. */
  open: string[];
}

/**
 * Bundles the functions and all their packages into `into`, as ES modules with source maps. A dynamic import makes a module of its own,
 * which is loaded only when the import runs.
 *
 * @param folder of the project, installed
 * @param into gets main.js, functions.js and the shared modules
 * @throws Error with the messages of the bundler
 */
export async function bundleFunctions(folder: string, into: string): Promise<Bundle> {
  const functions = (await readdir(join(folder, 'functions'))).sort();
  const { metafile } = await build({
    absWorkingDir: folder,
    stdin: {
      contents: functions.map((file) => `import './functions/${file}';`).join('\n'),
      resolveDir: folder,
      sourcefile: 'functions.ts',
    },
    entryNames: 'functions',
    outdir: into,
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minify: true,
    // Some libraries decide by the name of an error's class, and the log names errors.
    keepNames: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    banner: { js: commonJs },
    external: Object.keys(leftOut),
    alias: chosenAtRunTime,
    plugins: [openTelemetryModules],
    metafile: true,
    logLevel: 'silent',
  });
  await writeFile(join(into, 'main.js'), main);
  return described(metafile);
}

function described({ outputs }: Metafile): Bundle {
  const entry = Object.keys(outputs).find((path) => path.endsWith('/functions.js')) ?? '';
  const loaded = new Set<string>();
  const follow = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const { path: next, kind, external } of outputs[path]?.imports ?? [])
      if (kind === 'import-statement' && !external) follow(next);
  };
  follow(entry);
  const used = (paths: Iterable<string>) => {
    const found = [...paths].flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}));
    return [...new Set(found.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([input]) => input))];
  };
  const open = Object.values(outputs).flatMap(({ imports }) =>
    imports.filter(({ external, path }) => external && !isOfNode(path)).map(({ path }) => path),
  );
  return { inputs: used(Object.keys(outputs)), loadedAtStart: used(loaded), open: [...new Set(open)].sort() };
}

function isOfNode(path: string): boolean {
  return builtinModules.includes(path.replace(/^node:/, ''));
}
