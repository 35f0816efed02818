import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDocument, readDocuments } from '../../../local/docs/documents.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { settingNames } from '../../../src/config/settings.js';
import { type ErrorCode, errorCodes, policyOf } from '../../../src/shared/errorPolicy.js';

const documents = await readDocuments();
const read = async (path: string) => (await readDocument(path)).text;

/** The section of a code: a heading to link to, the meaning, and one sentence of the advice in each line. */
function sectionOf(code: ErrorCode): string {
  const { meaning, advice } = policyOf(code);
  const sentences = advice.split(/(?<=\.) (?=[A-Z`])/);
  return [`## \`${code}\``, '', meaning, '', ...sentences].join('\n');
}

test('docs/errors.md has a section for every error code, with the meaning and the advice of the policy', async () => {
  const sections = errorCodes.map(sectionOf).join('\n\n');
  if (!(await read('docs/errors.md')).endsWith(`\n${sections}\n`))
    throw new Error(`docs/errors.md must end with:\n\n${sections}\n`);
});

/** App Service or the Functions host sets these; an operator does not. */
const setByThePlatform = ['AzureWebJobsStorage__accountName', 'WEBSITE_AUTH_ENABLED', 'WEBSITE_SITE_NAME'];

test('docs/settings.md and docs/telemetry.md name every setting', async () => {
  const text = (await read('docs/settings.md')) + (await read('docs/telemetry.md'));
  const missing = settingNames.filter((name) => !text.includes(`\`${name}\``));
  expect(missing).toEqual(setByThePlatform);
});

test('the scripts that the documents name exist', async () => {
  const { scripts } = JSON.parse(await readFile(join(projectFolder(), 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name = '']) => ({ path, name })),
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter(({ name }) => !(name in scripts))).toEqual([]);
});

test('the files that the documents name exist', async () => {
  const named = documents
    .filter(({ path }) => path !== 'CHANGELOG.md')
    .flatMap(({ path, text }) =>
      [...text.matchAll(/`((?:src|test|cli|page|local|functions|docs|infra|bench)\/[\w./-]*)`/g)].map(
        ([, file = '']) => ({ path, file }),
      ),
    )
    .filter(({ file }) => !/example/.test(file));
  expect(named.length).toBeGreaterThan(100);
  const missing = await Promise.all(
    named.map(async (each) =>
      access(join(projectFolder(), each.file)).then(
        () => null,
        () => each,
      ),
    ),
  );
  expect(missing.filter(Boolean)).toEqual([]);
});

test('no line of a document has more than 300 characters', () => {
  const long = documents.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => (line.length > 300 ? [`${path}:${index + 1}`] : [])),
  );
  expect(long).toEqual([]);
});

test('README.md has at most 9 KB, and the pages of docs/ the rest', async () => {
  expect(Buffer.byteLength(await read('README.md'))).toBeLessThanOrEqual(9_000);
});
