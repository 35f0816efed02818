import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';

/** The transcripts of hooks in docs/azure.md. */
export async function transcripts(): Promise<string[]> {
  const text = await readFile(join(projectFolder(), 'docs/azure.md'), 'utf8');
  return [...text.matchAll(/```text\n(.*?)```/gs)].map(([, transcript = '']) => transcript);
}
