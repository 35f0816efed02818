import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MarkedToken, marked } from 'marked';
import { projectFolder } from '../stack/projectFolder.js';

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

/** A heading of a document. */
export interface Heading {
  /** 1 to 6. */
  level: number;
  /** With its Markdown: backticks, for example. */
  title: string;
  /** The anchor that GitHub gives to the heading, unique in the document. */
  anchor: string;
}

/** @returns the documents of the project's root, of `docs/` and of `device/`, in the order of their paths */
export async function readDocuments(): Promise<Document[]> {
  const folders = ['', 'docs/', 'device/'].map(async (folder) =>
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

/** @returns all tokens of a document, also those inside of others */
export function tokensOf(text: string): MarkedToken[] {
  const tokens: MarkedToken[] = [];
  // The callback is synchronous, so there is nothing to wait for.
  void marked.walkTokens(marked.lexer(text), (token) => {
    // Without extensions, the lexer makes only these tokens.
    tokens.push(token as MarkedToken);
  });
  return tokens;
}

/** @returns the headings of a document, in their order */
export function headings(text: string): Heading[] {
  const seen = new Map<string, number>();
  return tokensOf(text)
    .filter((token) => token.type === 'heading')
    .map((token) => {
      const name = anchorOf(token.text);
      const count = seen.get(name) ?? 0;
      seen.set(name, count + 1);
      return { level: token.depth, title: token.text, anchor: count === 0 ? name : `${name}-${count}` };
    });
}

function anchorOf(title: string): string {
  return title
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-');
}

/** @returns the targets of links and pictures of a document, with those of its HTML */
export function targets(text: string): string[] {
  return tokensOf(text).flatMap((token) => {
    if (token.type === 'link' || token.type === 'image') return [token.href];
    if (token.type !== 'html') return [];
    return [...token.text.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)].map(([, target = '']) => target);
  });
}
