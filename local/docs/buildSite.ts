import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectFolder } from '../stack/projectFolder.js';
import { deadLinks, isExternal, resolveTarget } from './deadLinks.js';
import { readDocuments, targets } from './documents.js';
import { navigationOf, pageOf, renderPage } from './renderPage.js';

/** The site below the style of Pico: the text in the middle, the list of pages on the left, and below the text on a phone. */
const css = `
:root { font-size: 100%; }
body { max-width: 80rem; margin: 0 auto; padding: 0 1rem; display: grid; gap: 0 2rem; }
body > header { display: flex; justify-content: space-between; gap: 1rem; width: 100%; max-width: none; padding: .75rem 0; }
main { padding: 0; min-width: 0; }
nav { display: block; font-size: .875rem; padding-bottom: 2rem; }
nav h2 { font-size: .875rem; margin: 1rem 0 .25rem; }
nav ul, nav li, nav ul:first-of-type { display: block; margin: 0; padding: .1rem 0; }
nav li a { padding: 0; margin: 0; }
[aria-current] { font-weight: 700; }
.wide { overflow-x: auto; margin-bottom: 1rem; }
.wide table { margin: 0; font-size: .875rem; }
td, th { vertical-align: top; padding: .4rem .6rem; }
code { padding: .1em .25em; }
pre code { padding: .75rem; font-size: .8125rem; line-height: 1.4; }
@media (min-width: 64rem) {
  body { grid-template-columns: 15rem minmax(0, 1fr); }
  body > header { grid-column: 1 / -1; }
  header [href="#pages"] { display: none; }
  nav { grid-column: 1; grid-row: 2; position: sticky; top: 0; max-height: 100vh; overflow-y: auto; }
  main { grid-column: 2; grid-row: 2; }
}
`;

/**
 * Builds the static site of the documents. A dead link ends the build.
 *
 * @param folder the folder of the site; an earlier site in it is removed
 * @returns the number of pages
 * @throws Error with all dead links
 */
export async function buildSite(folder: string): Promise<number> {
  const documents = await readDocuments();
  const dead = (await Promise.all(documents.map((each) => deadLinks(each, documents)))).flat();
  if (dead.length > 0) throw new Error(dead.join('\n'));

  const index = documents.find(({ path }) => path === 'docs/README.md');
  const navigation = index ? navigationOf(index) : [];
  await rm(folder, { recursive: true, force: true });
  for (const part of ['docs', 'device']) await mkdir(join(folder, part), { recursive: true });
  for (const document of documents)
    await writeFile(join(folder, pageOf(document.path)), renderPage(document, navigation));
  await writeFile(join(folder, 'site.css'), css.trimStart());
  const pico = 'node_modules/@picocss/pico/css/pico.classless.min.css';
  await cp(join(projectFolder(), pico), join(folder, 'pico.css'));

  // Pictures, and the other files that the documents link to.
  const files = documents.flatMap(({ path, text }) =>
    targets(text)
      .filter((target) => !isExternal(target))
      .map((target) => resolveTarget(path, target).file),
  );
  for (const file of new Set(files.filter((each) => !each.endsWith('.md')))) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(projectFolder(), file), join(folder, file), { recursive: true });
  }
  return documents.length;
}
