import type { HttpResponseInit } from '@azure/functions';
import * as z from 'zod';
import { jsonText } from '../shared/printable.js';

/** The content of a problem document. */
export interface Problem {
  status: number;
  /** Stable, for programs. */
  code: string;
  /** For readers: the cause, and the next step. */
  detail: string;
  headers?: Record<string, string>;
  /** Further members of the document. */
  more?: Record<string, unknown>;
}

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  413: 'Content too large',
  415: 'Unsupported encoding',
  422: 'The request failed',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Unavailable',
};

export const problemDocument = z
  .looseObject({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('stable, for programs'),
    detail: z.string().describe('for readers: the cause, and the next step'),
  })
  .meta({ id: 'Problem' });

/** Makes a response with a problem document (RFC 9457) that has a stable `code`. */
export function problem({ status, code, detail, headers = {}, more = {} }: Problem): HttpResponseInit {
  return {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
    body: jsonText({
      type: 'about:blank',
      title: titles[status] ?? 'Error',
      status,
      code,
      detail,
      ...more,
    }),
  };
}
