import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../local/stack/projectFolder.js';

/** A Markdown file of the project. */
export interface Document {
  /** From the project's root: `docs/azure.md`. */
  path: string;
  text: string;
}

/** A fenced block of a document that a reader copies into a shell. */
export interface ShellBlock {
  path: string;
  /** The number of the line with the opening fence; the first line of the document is 1. */
  line: number;
  commands: string;
}

/** @returns the documents of the project's root and of `docs/`, in the order of their paths */
export async function readDocuments(): Promise<Document[]> {
  const folders = ['', 'docs/'].map(async (folder) =>
    (await readdir(join(projectFolder(), folder)))
      .filter((name) => name.endsWith('.md'))
      .map((name) => folder + name),
  );
  const paths = (await Promise.all(folders)).flat().sort();
  return Promise.all(paths.map(readDocument));
}

/** @param path from the project's root */
export async function readDocument(path: string): Promise<Document> {
  return { path, text: await readFile(join(projectFolder(), path), 'utf8') };
}

/** @returns the fenced blocks of the language `sh`, in their order */
export function shellBlocks({ path, text }: Document): ShellBlock[] {
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(({ index, 1: commands = '' }) => ({
    path,
    line: text.slice(0, index).split('\n').length,
    commands,
  }));
}

/** @returns the document without its fenced blocks. A line of a block becomes an empty line. */
export function prose(text: string): string {
  return text.replace(/^```.*?^```$/gms, (block) => block.replace(/[^\n]+/g, ''));
}

/** @returns the headings of a document with their levels (1 to 6) */
export function headings(text: string): { level: number; title: string }[] {
  return [...prose(text).matchAll(/^(#{1,6}) (.+)$/gm)].map(([, marks = '', title = '']) => ({
    level: marks.length,
    title,
  }));
}

/** @returns the anchor that GitHub gives to a heading */
export function anchorOf(title: string): string {
  return title
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

/** @returns the table of contents that a long document has: its headings of level 2, as links */
export function contentsOf(text: string): string {
  const links = headings(text)
    .filter(({ level }) => level === 2)
    .map(({ title }) => `[${title}](#${anchorOf(title)})`);
  return `Contents: ${links.join(' · ')}`;
}
