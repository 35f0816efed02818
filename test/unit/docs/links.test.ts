import { withContents } from '../../../local/docs/contents.js';
import { deadLinks } from '../../../local/docs/deadLinks.js';
import { readDocuments, tokensOf } from '../../../local/docs/documents.js';

const documents = await readDocuments();
const pages = documents.filter(({ path }) => path.startsWith('docs/'));

test('every link between the documents leads to a file, and to a heading', async () => {
  expect((await Promise.all(documents.map((each) => deadLinks(each, documents)))).flat()).toEqual([]);
});

test('a dead link is found', async () => {
  const text =
    '[a](docs/nothing.md) [b](SECURITY.md#nothing) [c](#nothing) ![d](docs/images/nothing.png) [e](docs/azure.md) `[f](g)`';
  expect(await deadLinks({ path: 'README.md', text }, documents)).toHaveLength(4);
});

test('docs/README.md lists every page', () => {
  const index = pages.find(({ path }) => path === 'docs/README.md')?.text ?? '';
  const missing = pages.filter(({ path }) => !/README/.test(path) && !index.includes(`](${path.slice(5)})`));
  expect(missing.map(({ path }) => path)).toEqual([]);
});

test.each(pages)('$path says at its top what the page is for', ({ text }) => {
  expect(text).toMatch(/^# .+\n\n[A-Z`].{40}/);
});

test.each(documents)('$path has a table of contents if the document is long', (document) => {
  if (withContents(document) !== document.text)
    throw new Error(`The table of contents of ${document.path} is not current: npm run docs -- --update`);
});

test('no text is taken for HTML: <name> outside of backticks would be invisible', () => {
  const hidden = documents.flatMap(({ path, text }) =>
    tokensOf(text)
      .filter(
        (token) => token.type === 'html' && !/^(<!--|<\/?(picture|source|img)\b)/.test(token.raw.trim()),
      )
      .map(({ raw }) => `${path}: ${raw}`),
  );
  expect(hidden).toEqual([]);
});

test('every fenced block begins in the first column, and names its language if the block is no drawing', () => {
  const odd = documents.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        /^\s+```|^```(bash|shell|console)/.test(line) ? [`${path}:${index + 1}`] : [],
      ),
  );
  expect(odd).toEqual([]);
});
