import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { errorCodes, policyOf } from '../../src/shared/errorPolicy.js';

const read = (path: string) => readFile(join(projectFolder(), path), 'utf8');

test('README.md lists every error code, with the meaning and the advice of the policy', async () => {
  const rows = errorCodes.map(
    (code) => `| \`${code}\` | ${policyOf(code).meaning} | ${policyOf(code).advice} |`,
  );
  const table = ['| `code` of a failure | meaning | what to do |', '| --- | --- | --- |', ...rows].join('\n');
  if (!(await read('README.md')).includes(`\n${table}\n\n`))
    throw new Error(`The table of error codes in README.md must be:\n\n${table}\n`);
});
