import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, gzip } from 'node:zlib';
import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { problem } from '../problem.js';
import { contentPolicy } from './contentPolicy.js';

const compress = { br: promisify(brotliCompress), gzip: promisify(gzip) };

interface Ready {
  headers: Record<string, string>;
  etag: string;
  bodies: { identity: Uint8Array; br?: Uint8Array; gzip?: Uint8Array };
}

/**
 * Answers with the page of ops: one file without any secret, that asks for the key by itself. It is read, and compressed, when it
 * is first asked for, and kept.
 *
 * @param file where `npm run build` has put it
 */
export function openPage(file: URL): (request: Pick<HttpRequest, 'headers'>) => Promise<HttpResponseInit> {
  let ready: Promise<Ready> | undefined;
  return async ({ headers }) => {
    let page: Ready;
    try {
      ready ??= prepare(file);
      page = await ready;
    } catch {
      ready = undefined;
      return problem({
        status: 500,
        code: 'ops.page-not-built',
        detail:
          'The page is not there: "npm run build" makes dist/page/ops.html. The CLI and /api/ops/… work without it.',
      });
    }
    if (isKnown(headers.get('if-none-match'), page.etag)) return { status: 304, headers: page.headers };
    const encoding = preferredEncoding(headers.get('accept-encoding'));
    if (encoding === 'identity') return { status: 200, headers: page.headers, body: page.bodies.identity };
    page.bodies[encoding] ??= await compress[encoding](page.bodies.identity);
    return {
      status: 200,
      headers: { ...page.headers, 'content-encoding': encoding },
      body: page.bodies[encoding],
    };
  };
}

async function prepare(file: URL): Promise<Ready> {
  const html = await readFile(file);
  // Weak: the same page, in whatever encoding.
  const etag = `W/"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"`;
  return {
    etag,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentPolicy(html.toString()),
      // Kept, but asked for again each time: a new version is seen at once, and the old one costs an empty 304.
      'cache-control': 'no-cache',
      etag,
      vary: 'accept-encoding',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
    bodies: { identity: html },
  };
}

function isKnown(header: string | null, etag: string): boolean {
  const known = (header ?? '').split(',').map((each) => each.trim());
  return known.includes('*') || known.some((each) => each !== '' && opaque(each) === opaque(etag));
}

const opaque = (etag: string) => etag.replace(/^W\//, '');

const known = ['br', 'gzip'] as const;

export type Encoding = (typeof known)[number] | 'identity';

/** The best encoding that we can make of those that a caller takes: the smallest, since the page is compressed once and kept. */
export function preferredEncoding(acceptEncoding: string | null): Encoding {
  const taken = new Set<string>();
  for (const each of (acceptEncoding ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = each.split(';').map((part) => part.trim());
    if (!parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))) taken.add(name);
  }
  return known.find((encoding) => taken.has(encoding)) ?? 'identity';
}
