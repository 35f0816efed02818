import { access } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { projectFolder } from '../stack/projectFolder.js';
import { type Document, headings, targets } from './documents.js';

/** @returns true for an address of another host, which no check of this project opens */
export const isExternal = (target: string) => /^[a-z]+:/i.test(target);

/**
 * Resolves the target of a link.
 *
 * @param from the document with the link
 * @returns the file from the project's root, and the anchor in it; undefined without an anchor
 */
export function resolveTarget(from: string, target: string): { file: string; anchor: string | undefined } {
  const [file = '', anchor] = target.split('#');
  return { file: file === '' ? from : posix.normalize(posix.join(posix.dirname(from), file)), anchor };
}

/**
 * Finds links that lead nowhere: to a missing file, or to a missing heading of a document. Links to other hosts are not opened.
 *
 * @param among the documents whose headings are known
 * @returns a sentence for each such link of the document
 */
export async function deadLinks({ path, text }: Document, among: readonly Document[]): Promise<string[]> {
  const found = await Promise.all(
    targets(text)
      .filter((target) => !isExternal(target))
      .map(async (target) => {
        const { file, anchor } = resolveTarget(path, target);
        const exists = await access(join(projectFolder(), file)).then(
          () => true,
          () => false,
        );
        if (!exists) return `${path} links to ${target}, and there is no such file.`;
        if (anchor === undefined) return null;
        const to = among.find((each) => each.path === file);
        const known = to && headings(to.text).some((heading) => heading.anchor === anchor);
        return known ? null : `${path} links to ${target}, and there is no such heading.`;
      }),
  );
  return found.filter((sentence) => sentence !== null);
}
