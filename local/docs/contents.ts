import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../stack/projectFolder.js';
import { type Document, headings, readDocuments } from './documents.js';

/** Two screens of a terminal. A longer document has a table of contents. */
const mostLines = 100;

/** The width of a line of a table of contents, in characters. */
const width = 140;

/** README.md has 9 KB, and CHANGELOG.md has one heading for each version. */
const without = ['README.md', 'docs/README.md', 'CHANGELOG.md'];

/** @returns the text of a document with its table of contents before the first heading of level 2; a short document unchanged */
export function withContents({ path, text }: Document): string {
  if (without.includes(path) || text.split('\n').length <= mostLines) return text;
  const rest = text.replace(/^Contents: (?:.+\n)+\n/m, '');
  // A function, because a title may contain a dollar sign.
  return rest.replace(/^## /m, (heading) => `${contentsOf(rest)}\n\n${heading}`);
}

function contentsOf(text: string): string {
  const links = headings(text)
    .filter(({ level }) => level === 2)
    .map(({ title, anchor }) => `[${title}](#${anchor})`);
  const lines = ['Contents:'];
  for (const [index, link] of links.entries()) {
    const part = index < links.length - 1 ? `${link} ·` : link;
    const longer = `${lines.at(-1)} ${part}`;
    if (longer.length > width) lines.push(part);
    else lines[lines.length - 1] = longer;
  }
  return lines.join('\n');
}

/** Writes the tables of contents of all documents anew. @returns the paths of the changed documents */
export async function updateContents(): Promise<string[]> {
  const changed = (await readDocuments()).filter((document) => withContents(document) !== document.text);
  for (const document of changed)
    await writeFile(join(projectFolder(), document.path), withContents(document));
  return changed.map(({ path }) => path);
}
