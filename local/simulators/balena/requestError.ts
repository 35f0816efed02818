import type { Answer } from '../shared/requests.js';

/** A request that is not granted: thrown anywhere, answered as it says. */
export class RequestError extends Error {
  readonly answer: Answer;

  /** @param body text, sent as balena's OData layer sends it: as a JSON string; nothing at all when empty */
  constructor(status: number, body = '', headers: Record<string, string> = {}) {
    super(body);
    const json = { 'content-type': 'application/json; charset=utf-8', ...headers };
    this.answer = body === '' ? { status, headers } : { status, headers: json, body: JSON.stringify(body) };
  }
}

/** A refusal whose text goes out as plain text, as balena's routes outside of OData do. */
export class PlainTextError extends RequestError {
  override readonly answer: Answer;

  constructor(status: number, body: string, headers: Record<string, string> = {}) {
    super(status);
    this.message = body;
    this.answer = { status, headers, body };
  }
}

/** For a query that balena may understand and this simulator does not: it never silently ignores a part of it. */
export function notSupported(what: string): RequestError {
  return new RequestError(400, `not supported by this simulator of the balena API: ${what}`);
}
