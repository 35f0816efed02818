import { access } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import {
  anchorOf,
  contentsOf,
  type Document,
  headings,
  prose,
  readDocuments,
} from '../../support/documents.js';

const documents = await readDocuments();
const pages = documents.filter(({ path }) => path.startsWith('docs/'));
const anchors = new Map(
  documents.map(({ path, text }) => [path, headings(text).map(({ title }) => anchorOf(title))]),
);

/** Two screens of a terminal. A longer page has a table of contents. */
const mostLines = 100;

/** @returns a sentence about each link of the document that leads nowhere */
async function deadLinks({ path, text }: Document): Promise<string[]> {
  const targets = [...prose(text).matchAll(/(?:\]\(|src(?:set)?=")(?!https?:)([^)"]+)/g)];
  const found = await Promise.all(
    targets.map(async ([, target = '']) => {
      const [file = '', anchor] = target.split('#');
      const to = file === '' ? path : normalize(join(dirname(path), file));
      const exists = await access(join(projectFolder(), to)).then(
        () => true,
        () => false,
      );
      if (!exists) return `${path} links to ${target}, and there is no such file`;
      if (anchor === undefined || anchors.get(to)?.includes(anchor)) return null;
      return `${path} links to ${target}, and there is no such heading`;
    }),
  );
  return found.filter((sentence) => sentence !== null);
}

test('every link between the documents leads to a file, and to a heading', async () => {
  expect((await Promise.all(documents.map(deadLinks))).flat()).toEqual([]);
});

test('a dead link is found', async () => {
  const text = '[a](docs/nothing.md) [b](SECURITY.md#nothing) [c](#nothing) [d](docs/azure.md)';
  expect(await deadLinks({ path: 'README.md', text })).toHaveLength(3);
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
    throw new Error(`After its first paragraph, ${path} must have:\n\n${contents}\n`);
});
