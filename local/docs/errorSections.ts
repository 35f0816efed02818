import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodes, policyOf } from '../../src/shared/errorPolicy.js';
import { projectFolder } from '../stack/projectFolder.js';
import { type Document, readDocument } from './documents.js';

const path = 'docs/errors.md';

/** The width of a line, in characters. */
const width = 140;

/**
 * Makes the sections of docs/errors.md from the policy: one section for each error code, so that a link can lead to the code.
 *
 * @returns the document with these sections between its marks
 */
export function withErrorSections({ text }: Document): string {
  const sections = errorCodes.map((code) => {
    const { meaning, advice } = policyOf(code);
    return `## \`${code}\`\n\n${paragraph(meaning)}\n\n${paragraph(`**To do:** ${advice}`)}`;
  });
  const marks = /(<!-- codes: [^\n]*-->\n).*?(\n<!-- end of codes -->)/s;
  if (!marks.test(text)) throw new Error(`${path} has no marks of the codes.`);
  return text.replace(marks, (_, start: string, end: string) => `${start}\n${sections.join('\n\n')}\n${end}`);
}

/** Writes the sections anew. @returns the path if the document has changed */
export async function updateErrorSections(): Promise<string[]> {
  const document = await readDocument(path);
  const text = withErrorSections(document);
  if (text === document.text) return [];
  await writeFile(join(projectFolder(), path), text);
  return [path];
}

/** @returns the text in lines of the width. `<` outside of backticks is escaped, because Markdown takes a name in angle brackets for HTML. */
function paragraph(text: string): string {
  const escaped = text.replace(/`[^`]*`|</g, (part) => (part === '<' ? '\\<' : part));
  const lines = [''];
  for (const word of escaped.split(' ')) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (longer.length > width) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines.join('\n');
}
