import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, errorCodes, policyOf } from '../../src/shared/errorPolicy.js';
import { projectFolder } from '../stack/projectFolder.js';
import { type Document, readDocument } from './documents.js';

const path = 'docs/errors.md';

/**
 * Makes the sections of docs/errors.md from the policy: one section for each error code, so that a link can lead to the code.
 *
 * @returns the document with these sections in the place of its present sections
 */
export function withErrorSections({ text }: Document): string {
  const sections = errorCodes.map(sectionOf);
  const [head = ''] = text.split(/\n## /, 1);
  return `${head.trimEnd()}\n\n${sections.join('\n\n')}\n`;
}

/** Writes the sections anew. @returns the path if the document has changed */
export async function updateErrorSections(): Promise<string[]> {
  const document = await readDocument(path);
  const text = withErrorSections(document);
  if (text === document.text) return [];
  await writeFile(join(projectFolder(), path), text);
  return [path];
}

/** The section of a code: a heading to link to, the meaning, and one sentence of the advice in each line. */
function sectionOf(code: ErrorCode): string {
  const { meaning, advice } = policyOf(code);
  const sentences = advice.split(/(?<=\.) (?=[A-Z`])/);
  return [`## \`${code}\``, '', meaning, '', ...sentences].join('\n');
}
