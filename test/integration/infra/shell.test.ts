import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readDocuments, shellBlocks } from '../../../local/docs/documents.js';
import { onPath } from '../../../local/infra/nuget.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';

const run = promisify(execFile);
const folder = await mkdtemp(join(tmpdir(), 'shell-'));
afterAll(() => rm(folder, { recursive: true }));

/** The parts of the documents that a reader copies into a shell, as scripts: `<document>-<line>.sh`. */
async function writeParts(): Promise<string[]> {
  const parts = (await readDocuments()).flatMap(shellBlocks);
  return Promise.all(
    parts.map(async ({ path, line, commands }) => {
      const file = join(folder, `${path.replace('/', '-')}-${line}.sh`);
      await writeFile(file, `#!/bin/sh\n${commands}`);
      return file;
    }),
  );
}

const files = [
  ...(await writeParts()),
  join(projectFolder(), '.ci/run'),
  join(projectFolder(), 'device/own-key.sh'),
];

/** The output of a program that finds nothing is empty. */
const findings = (program: string, args: string[]) =>
  run(program, args).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string; stderr?: string; message: string }) =>
      `${error.stdout ?? ''}${error.stderr ?? ''}` || error.message,
  );

test('sh reads the shell of the documents', async () => {
  expect(files.length).toBeGreaterThan(20);
  for (const file of files.filter((each) => each.endsWith('.sh')))
    expect([file, await findings('sh', ['-n', file])]).toEqual([file, '']);
});

const shellCheck = await onPath('shellcheck');
if (shellCheck) {
  test('ShellCheck finds nothing in the shell of the documents, in the CI script, and in the script of devices', async () => {
    // SC2034 and SC2154: a part sets variables that the reader uses in another part, and azd sets others.
    expect(await findings(shellCheck, ['--format', 'gcc', '--exclude', 'SC2034,SC2154', ...files])).toBe('');
  });

  test('ShellCheck finds a fault', async () => {
    const file = join(folder, 'fault.sh');
    await writeFile(file, '#!/bin/sh\nrm $1\n');
    expect(await findings(shellCheck, ['--format', 'gcc', file])).toContain('SC2086');
  });
} else {
  test('ShellCheck is missing', () => {
    console.warn(
      'NOT CHECKED: the shell of the documents by ShellCheck, because this machine does not have it.',
    );
  });
}
