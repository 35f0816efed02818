import { deadLinks } from '../../../local/docs/deadLinks.js';
import { contentsOf, readDocuments, tokensOf } from '../../../local/docs/documents.js';

const documents = await readDocuments();
const pages = documents.filter(({ path }) => path.startsWith('docs/'));

/** Two screens of a terminal. A longer document has a table of contents. */
const mostLines = 100;

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

const long = documents.filter(
  ({ path, text }) => !/^(README|CHANGELOG)/.test(path) && text.split('\n').length > mostLines,
);

test.each(long)('$path is long, and has a table of contents', ({ path, text }) => {
  const contents = contentsOf(text);
  if (!text.replace(/\n(?=\S)/g, ' ').includes(contents))
    throw new Error(`After its first paragraphs, ${path} must have:\n\n${contents}\n`);
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
