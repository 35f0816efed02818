/** The harmless parts of an error of another library: the kind of the error, and where the error was thrown. */
export interface SanitizedError {
  name: string;
  code?: string;
  /** HTTP status. */
  status?: number;
  /** The frames of the stack, without the message. */
  at: string[];
  cause?: SanitizedError;
}

interface Foreign {
  name?: unknown;
  code?: unknown;
  statusCode?: unknown;
  stack?: unknown;
  cause?: unknown;
}

/**
 * Extracts the harmless parts of an error of another library, for the search for a defect. The error itself must not be kept. Its fields and its
 * text can hold keys, signatures and whole requests, and `util.inspect` prints a cause even if the property is not enumerable.
 *
 * @param depth the number of nested causes to follow
 */
export function sanitizeError(error: unknown, depth = 5): SanitizedError | undefined {
  if (error === undefined || error === null || depth === 0) return undefined;
  const { name, code, statusCode, stack, cause } = error as Foreign;
  const sanitized: SanitizedError = { name: isWord(name) ? name : typeof error, at: framesOf(stack) };
  if (isWord(code)) sanitized.code = code;
  if (typeof statusCode === 'number') sanitized.status = statusCode;
  const inner = sanitizeError(cause, depth - 1);
  if (inner) sanitized.cause = inner;
  return sanitized;
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value);
}

function framesOf(stack: unknown): string[] {
  if (typeof stack !== 'string') return [];
  return stack
    .split('\n')
    .filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line))
    .map((line) => line.trim());
}
