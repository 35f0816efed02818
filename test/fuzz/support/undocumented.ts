import type { Received } from './Sent.js';

const problemStatuses = new Set([400, 401, 404, 409, 413, 415, 422, 429, 503]);
/** The documented codes of a 503: a dependency cannot be reached, or there are too many requests. The code "unexpected" would be a hidden 500. */
const away = new Set([
  'records-unavailable',
  'queue-unavailable',
  'queue-throttled',
  'timed-out',
  'balena-unavailable',
  'too-busy',
]);
export const stackTrace = /\n\s+at |node_modules|\.[cm]?[jt]s:\d+|Error: (?!The device)/;

/**
 * Compares an answer with docs/http-api.md.
 *
 * @returns the difference; null for a documented answer
 */
export function undocumented(
  method: string,
  { status, contentType, text, headers }: Received,
): string | null {
  if (stackTrace.test(text) || stackTrace.test(headers)) return 'it shows where in the code it comes from';
  if (text === '') return fromHost(method, status, headers);
  if (status === 200 && text === homePage) return null;
  if (contentType === 'application/problem+json') return wrongProblem(status, text);
  if (contentType === 'application/json') {
    const json: unknown = JSON.parse(text);
    const known = typeof json === 'object' && json !== null && ('requestId' in json || 'outcome' in json);
    return known && (status === 200 || status === 202) ? null : `JSON with ${status}`;
  }
  if (status === 409 && text.startsWith('DeviceAlreadyExistsError: ')) return null;
  const isHealth = (status === 200 || status === 503) && text.includes('\nconfiguration: ok');
  return isHealth ? null : `${status} with ${contentType || 'a text of no type'}`;
}

/** The host's own answer to `/`. */
const homePage = 'Your Azure Function App is up and running.';

/** The answers of the host: no such route, no such key, no HTTP, a URL or a body that is too long. */
function fromHost(method: string, status: number, headers: string): string | null {
  if (method === 'HEAD') return status < 500 ? null : `${status} to HEAD`;
  // The platform's limit of a body, on a route without a key: the host answers and closes the connection.
  if (status === 500 && headers.startsWith('connection\nclose\ncontent-length\n0')) return null;
  return [400, 401, 404, 413, 414, 431].includes(status) ? null : `${status} without a body`;
}

function wrongProblem(status: number, text: string): string | null {
  const { type, title, status: said, code, detail } = JSON.parse(text) as Record<string, unknown>;
  const whole =
    type === 'about:blank' &&
    said === status &&
    [title, code, detail].every((part) => typeof part === 'string');
  if (!whole || !problemStatuses.has(status)) return `a problem document that is none (${status})`;
  return status === 503 && !away.has(String(code)) ? `503 ${code}` : null;
}
