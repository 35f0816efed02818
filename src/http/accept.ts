import { MIMEType } from 'node:util';

interface MediaRange {
  /** For example `application/json`, `text/*` or the range of all types. */
  type: string;
  /** From 0 (not acceptable) to 1. */
  quality: number;
}

/**
 * Whether a caller prefers JSON to plain text. An equal quality is no preference: axios sends "application/json, text/plain" and the
 * range of all types by default.
 *
 * @param header the header Accept; null without the header
 */
export function prefersJson(header: string | null): boolean {
  const ranges = (header ?? '').split(',').flatMap(parseRange);
  const json = Math.max(qualityOf('application/json', ranges), qualityOf('application/problem+json', ranges));
  return json > qualityOf('text/plain', ranges);
}

/** Parses one range. An unreadable range counts as absent, and an unreadable quality as 1. */
function parseRange(text: string): MediaRange[] {
  try {
    const { essence, params } = new MIMEType(text);
    const quality = Number(params.get('q') ?? 1);
    return [{ type: essence, quality: quality >= 0 && quality <= 1 ? quality : 1 }];
  } catch {
    return [];
  }
}

/** The most specific range that covers a type decides. @returns 0 if no range covers the type */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  const covering = [type, `${type.split('/')[0]}/*`, '*/*'];
  for (const range of covering) {
    const found = ranges.filter((each) => each.type === range);
    if (found.length > 0) return Math.max(...found.map(({ quality }) => quality));
  }
  return 0;
}
