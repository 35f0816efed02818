/** What may be kept of a foreign error: what it is, and where it was thrown. */
export interface SanitizedError {
  name: string;
  code?: string;
  /** HTTP status. */
  status?: number;
  /** The frames of its stack. */
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
 * The outline of a foreign error, for whoever has to find a defect. The error itself must not be kept: it can carry keys,
 * signatures and whole requests, in its text as well, and `util.inspect` prints a cause even where it is not enumerable.
 *
 * @param depth how many causes of causes to follow
 */
export function sanitizeError(error: unknown, depth = 5): SanitizedError | undefined {
  if (error === undefined || error === null || depth === 0) return undefined;
  const { name, code, statusCode, stack, cause } = error as Foreign;
  const outline: SanitizedError = { name: isWord(name) ? name : typeof error, at: framesOf(stack) };
  if (isWord(code)) outline.code = code;
  if (typeof statusCode === 'number') outline.status = statusCode;
  const inner = sanitizeError(cause, depth - 1);
  if (inner) outline.cause = inner;
  return outline;
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
