import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { projectFolder } from '../stack/projectFolder.js';
import { checkAzureDocument } from './azureTables.js';
import { runBicep } from './bicep.js';

/** The identifiers of the example deployments. The compiler derives the names of the resources from these identifiers. */
const deployment = [
  ['--subscription-id', '00000000-0000-0000-0000-000000000001'],
  ['--tenant-id', '00000000-0000-0000-0000-000000000002'],
  ['--location', 'westeurope'],
].flat();

/** One check of the compiler. */
export interface InfraCheck {
  /** The command with its file or folder, such as `lint infra/main.bicep`. */
  name: string;
  /** The messages of the compiler; empty if the check passes. A warning is a message, too. */
  problems: string;
}

/**
 * Checks everything in infra/ with the Bicep compiler: build and lint of main.bicep, the format of every file, and for each file of
 * infra/examples the parameters and the snapshot. At the end, compares the tables of docs/azure.md with all of these.
 *
 * @param bicep the path of the compiler
 * @param update true to write formats and snapshots anew, instead of comparing them
 */
export async function* checkInfra(bicep: string, update: boolean): AsyncGenerator<InfraCheck> {
  const folder = await mkdtemp(join(tmpdir(), 'infra-'));
  const check = async (name: string, ...args: string[]): Promise<InfraCheck> => {
    const { succeeded, stderr, stdout } = await runBicep(bicep, ...args);
    return { name, problems: succeeded ? stderr.trim() : `${stderr}${stdout}`.trim() || `${name} failed` };
  };
  try {
    yield check('build infra/main.bicep', 'build', 'infra/main.bicep', '--outdir', folder);
    yield check('lint infra/main.bicep', 'lint', 'infra/main.bicep');
    yield { name: 'format infra', problems: await formatProblems(bicep, folder, update) };
    yield check(
      'build-params infra/examples',
      ...['build-params', '--pattern', 'infra/examples/*.bicepparam', '--outdir', folder],
    );
    const mode = update ? 'overwrite' : 'validate';
    for (const file of await filesOf('infra')) {
      if (!file.endsWith('.bicepparam')) continue;
      yield check(`snapshot ${file}`, 'snapshot', file, '--mode', mode, ...deployment);
      if (update) await sortOutputs(file.replace(/bicepparam$/, 'snapshot.json'));
    }
    yield { name: 'tables of docs/azure.md', problems: await checkAzureDocument(update) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Formats a copy of infra/ and compares the copy with the original, or writes the formatted files into infra/. */
async function formatProblems(bicep: string, folder: string, update: boolean): Promise<string> {
  const copy = join(folder, 'infra');
  await cp(join(projectFolder(), 'infra'), copy, { recursive: true });
  for (const pattern of ['**/*.bicep', '**/*.bicepparam']) {
    const { succeeded, stderr } = await runBicep(bicep, 'format', '--pattern', `${copy}/${pattern}`);
    if (!succeeded) return stderr;
  }
  const differing: string[] = [];
  for (const file of await filesOf('infra')) {
    const original = join(projectFolder(), file);
    const formatted = join(folder, file);
    const [text, formattedText] = await Promise.all([
      readFile(original, 'utf8'),
      readFile(formatted, 'utf8'),
    ]);
    if (text === formattedText) continue;
    if (update) await cp(formatted, original);
    else differing.push(file);
  }
  return differing
    .map((file) => `${file} is formatted in another way than the compiler formats it.`)
    .join('\n');
}

/** Sorts the outputs of a snapshot. The compiler writes the outputs in an order that changes with each run. */
async function sortOutputs(file: string): Promise<void> {
  const path = join(projectFolder(), file);
  const snapshot = JSON.parse(await readFile(path, 'utf8')) as { outputs: Record<string, unknown> };
  const outputs = Object.fromEntries(Object.entries(snapshot.outputs).sort(([a], [b]) => (a < b ? -1 : 1)));
  await writeFile(path, `${JSON.stringify({ ...snapshot, outputs }, null, 2)}\n`);
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(join(projectFolder(), folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(projectFolder(), join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}
