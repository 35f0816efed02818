import type { Answer } from '../shared/requests.js';

/** A refused request. `answer` is the answer to the client. */
export class RequestError extends Error {
  readonly answer: Answer;

  /** @param body text. balena's OData layer sends a text as a JSON string. An empty text sends no body */
  constructor(status: number, body = '', headers: Record<string, string> = {}) {
    super(body);
    const json = { 'content-type': 'application/json; charset=utf-8', ...headers };
    this.answer = body === '' ? { status, headers } : { status, headers: json, body: JSON.stringify(body) };
  }
}

/** A refused request with a plain text answer, the form of balena's routes outside of OData. */
export class PlainTextError extends RequestError {
  override readonly answer: Answer;

  constructor(status: number, body: string, headers: Record<string, string> = {}) {
    super(status);
    this.message = body;
    this.answer = { status, headers, body };
  }
}

/** The header with the simulator's reason, where the real API answers without any text. */
export const reasonHeader = 'x-simulator-reason';

/** balena answers an unknown resource like a resource without any right: 401 without a body. */
export function unknownResource(reason: string): RequestError {
  return new RequestError(401, '', { [reasonHeader]: reason });
}

/** balena answers an unknown property with 500. */
export function unknownProperty(reason: string): RequestError {
  return new RequestError(500, '', { [reasonHeader]: reason });
}

/**
 * A request error for a query that this simulator does not support. The simulator never silently ignores a part of a
 * query.
 */
export function notSupported(what: string): RequestError {
  return new RequestError(400, `not supported by this simulator of the balena API: ${what}`);
}
