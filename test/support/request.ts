import { HttpRequest } from '@azure/functions';

export interface Given {
  method?: string;
  body?: string | Uint8Array;
  headers?: Record<string, string>;
  params?: Record<string, string>;
}

/** A request as the host passes a request to a function. */
export function requestWith({ method = 'POST', body, headers = {}, params = {} }: Given = {}): HttpRequest {
  const sent = typeof body === 'string' ? { string: body } : { bytes: body };
  return new HttpRequest({
    method,
    url: 'http://127.0.0.1/api/provision',
    headers,
    params,
    ...(body !== undefined && { body: sent }),
  });
}
