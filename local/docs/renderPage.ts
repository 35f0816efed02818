import { posix } from 'node:path';
import { Marked } from 'marked';
import { isExternal, resolveTarget } from './deadLinks.js';
import { type Document, headings, tokensOf } from './documents.js';

/** A group of links at the side of every page. */
export interface NavigationGroup {
  title: string;
  links: { text: string; path: string }[];
}

/** @returns the file of a document's page in the site: `docs/README.md` is `docs/index.html` */
export function pageOf(path: string): string {
  return path.replace(/README\.md$/, 'index.md').replace(/\.md$/, '.html');
}

/** @returns the groups of pages in the order of docs/README.md: a heading of level 2, and the links of the table below the heading */
export function navigationOf(index: Document): NavigationGroup[] {
  const groups: NavigationGroup[] = [];
  for (const token of tokensOf(index.text)) {
    if (token.type === 'heading' && token.depth === 2) groups.push({ title: token.text, links: [] });
    if (token.type === 'link' && !isExternal(token.href))
      groups.at(-1)?.links.push({ text: token.text, path: resolveTarget(index.path, token.href).file });
  }
  return groups;
}

/**
 * Renders a document as a page of the site. The page needs no script and no other host. A Mermaid drawing stays text, as in a terminal.
 *
 * @returns HTML
 */
export function renderPage(document: Document, navigation: readonly NavigationGroup[]): string {
  const title = headings(document.text)[0]?.title ?? document.path;
  const to = (file: string) => posix.relative(posix.dirname(document.path), file) || posix.basename(file);
  const groups = navigation.map(({ title: name, links }) => {
    const items = links.map(({ text, path }) => {
      const current = path === document.path ? ' aria-current="page"' : '';
      return `<li><a href="${to(pageOf(path))}"${current}>${escapeHtml(text)}</a></li>`;
    });
    return `<h2>${escapeHtml(name)}</h2><ul>${items.join('')}</ul>`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title.replaceAll('`', ''))}</title>
<link rel="stylesheet" href="${to('pico.css')}">
<link rel="stylesheet" href="${to('site.css')}">
<header><a href="${to('index.html')}">balena → Azure IoT Hub provisioner</a> <a href="#pages">All pages</a></header>
<main>${renderBody(document)}</main>
<nav id="pages" aria-label="All pages">${groups.join('')}</nav>
</html>
`;
}

function renderBody({ text }: Document): string {
  const anchors = headings(text).map(({ anchor }) => anchor);
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        return `<h${depth} id="${anchors.shift()}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      link({ href, tokens }) {
        return `<a href="${escapeHtml(isExternal(href) ? href : pageTarget(href))}">${this.parser.parseInline(tokens)}</a>`;
      },
    },
    hooks: {
      // A wide table scrolls inside of its own box.
      postprocess: (html) =>
        html.replaceAll('<table>', '<div class="wide"><table>').replaceAll('</table>', '</table></div>'),
    },
  });
  return marked.parse(text, { async: false });
}

/** @returns the target of a link between documents, as a link between pages */
function pageTarget(target: string): string {
  const [file = '', anchor] = target.split('#');
  return (file.endsWith('.md') ? pageOf(file) : file) + (anchor === undefined ? '' : `#${anchor}`);
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
