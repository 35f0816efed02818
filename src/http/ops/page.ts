import { readFile } from 'node:fs/promises';
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { problem } from '../problem.js';

/** The `content-encoding` of each compressed copy, the smallest copy first, and the ending of the copy's file name. */
const endings = { br: '.br', gzip: '.gz' };
type Encoding = keyof typeof endings | 'identity';

interface Page {
  headers: Record<string, string>;
  bodies: Record<Encoding, Uint8Array>;
}

/**
 * Answers with the operators' page: one file without any secret, in which the operator enters the key. `page/build.ts` has
 * compressed the page and computed the headers that depend on the content. The files are read at the first request and kept
 * in memory. Without these files the answer is a problem document with status 500, and the next request reads again.
 *
 * @param file the page, `ops.html`; its compressed copies and `ops.headers.json` stand beside it
 */
export function openPage(file: URL): (request: Pick<HttpRequest, 'headers'>) => Promise<HttpResponseInit> {
  let reading: Promise<Page> | undefined;
  return async (request) => {
    let page: Page;
    try {
      reading ??= readPage(file);
      page = await reading;
    } catch {
      reading = undefined;
      return problem({
        status: 500,
        code: 'ops.page-not-built',
        detail:
          'The page is missing: "npm run build" makes dist/page/ops.html. The CLI and /api/ops/… work without the page.',
      });
    }
    const { headers, bodies } = page;
    if (isKnown(request.headers.get('if-none-match'), headers.etag ?? '')) return { status: 304, headers };
    const encoding = preferredEncoding(request.headers.get('accept-encoding'));
    return {
      status: 200,
      headers: encoding === 'identity' ? headers : { ...headers, 'content-encoding': encoding },
      body: bodies[encoding],
    };
  };
}

async function readPage(file: URL): Promise<Page> {
  const [identity, br, gzip, built] = await Promise.all([
    readFile(file),
    readFile(new URL(`${file}${endings.br}`)),
    readFile(new URL(`${file}${endings.gzip}`)),
    readFile(new URL('ops.headers.json', file), 'utf8'),
  ]);
  return {
    headers: {
      ...JSON.parse(built),
      'content-type': 'text/html; charset=utf-8',
      // The browser keeps the page, and asks for a newer version each time. An unchanged page costs only an empty response (304).
      'cache-control': 'no-cache',
      vary: 'accept-encoding',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
    bodies: { identity, br, gzip },
  };
}

/** Whether a header `if-none-match` names the tag. Weak and strong tags are compared alike (RFC 9110, 13.1.2). */
function isKnown(header: string | null, etag: string): boolean {
  const opaque = (tag: string) => tag.trim().replace(/^W\//, '');
  const known = (header ?? '').split(',').map(opaque);
  return known.includes('*') || known.includes(opaque(etag));
}

/** The smallest encoding that the caller accepts. An encoding with `q=0` is not accepted. */
function preferredEncoding(acceptEncoding: string | null): Encoding {
  const accepted = new Set<string>();
  for (const each of (acceptEncoding ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) accepted.add(name);
  }
  return (['br', 'gzip'] as const).find((encoding) => accepted.has(encoding)) ?? 'identity';
}
