const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&${Object.keys(entities).find((name) => entities[name] === char)};`);

const unescapeXml = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name]!);

/** Elements in the order given; those without a value are left out. */
export const elements = (values: Record<string, string | number | boolean | undefined>): string =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join('');

/**
 * The elements that hold nothing but text, by name: all that a description of a queue consists of.
 * @param root the element that they are in
 */
export function textElements(xml: string, root: string): Map<string, string> | undefined {
  const found = new RegExp(`<${root}(?:\\s[^>]*?)?(?:/>|>([\\s\\S]*)</${root}>)`).exec(xml);
  if (!found) return undefined;
  const inside = found[1] ?? '';
  return new Map(
    [...inside.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, text]) => [name!, unescapeXml(text!)]),
  );
}

const head = '<?xml version="1.0" encoding="utf-8"?>';
const atom = 'xmlns="http://www.w3.org/2005/Atom"';

export interface Entry {
  /** Absolute address; the SDK reads the entity's name from it. */
  id: string;
  title: string;
  /** Milliseconds since 1970. */
  updatedAt: number;
  /** XML. */
  content: string;
}

export const entryXml = (entry: Entry): string => head + entryElement(entry);

/** @param next address of the next page */
export const feedXml = (id: string, entries: Entry[], next: string | undefined): string =>
  `${head}<feed ${atom}><title type="text">Queues</title><id>${escapeXml(id)}</id>` +
  `<updated>${new Date().toISOString()}</updated><link rel="self" href="${escapeXml(id)}"/>` +
  (next === undefined ? '' : `<link rel="next" href="${escapeXml(next)}"/>`) +
  `${entries.map(entryElement).join('')}</feed>`;

export const errorXml = (status: number, detail: string): string =>
  `${head}<Error><Code>${status}</Code><Detail>${escapeXml(detail)}</Detail></Error>`;

const entryElement = ({ id, title, updatedAt, content }: Entry): string =>
  `<entry ${atom}><id>${escapeXml(id)}</id><title type="text">${escapeXml(title)}</title>` +
  `<updated>${new Date(updatedAt).toISOString()}</updated><link rel="self" href="${escapeXml(id)}"/>` +
  `<content type="application/xml">${content}</content></entry>`;
