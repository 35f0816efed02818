import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  assemblePackage,
  packagedFiles,
  productionPackages,
} from '../../../local/package/assemblePackage.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { useSystem } from '../support/useSystem.js';

// Outside the project, so that Node finds only the node_modules of the package.
const folder = await mkdtemp(join(tmpdir(), 'package-'));
afterAll(() => rm(folder, { recursive: true }));
const project = projectFolder();
await assemblePackage(project, folder);
const system = await useSystem({ appFolder: folder });

test('the package holds what .funcignore leaves, the production dependencies, and nothing else', async () => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  expect(files.filter((file) => !file.startsWith('node_modules/')).sort()).toEqual(
    await packagedFiles(project),
  );
  const packages = files.filter((file) =>
    /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+\/package\.json$/.test(file),
  );
  const expected = await productionPackages(project);
  expect(packages.map((file) => file.replace(/\/package\.json$/, '')).sort()).toEqual(
    expected.map(({ path }) => path).sort(),
  );
});

test('what is packaged on one platform runs on another', async () => {
  const packages = await productionPackages(project);
  expect(packages.filter(({ bound, optional }) => bound && !optional)).toEqual([]);
});

test('the package starts by itself, and is healthy', async () => {
  const [host] = system.stack.hosts;
  expect(host?.endpoints.functions).toEqual(
    expect.arrayContaining(['provision', 'deprovision', 'health', 'worker', 'redrive']),
  );
  const { url, opsKey } = system.stack.endpoints.functions;
  const answer = await fetch(`${url}/api/health`, { headers: { 'x-functions-key': opsKey } });
  expect({ status: answer.status, text: await answer.text() }).toEqual({
    status: 200,
    text: expect.stringContaining('queue: ok'),
  });
});

test('it provisions a device', async () => {
  const uuid = await system.provisioned();
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
});

test('package.json names the entry files that are packaged, and modules', async () => {
  const { main, type } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  expect({ main, type }).toEqual({ main: 'dist/functions/*.js', type: 'module' });
});
