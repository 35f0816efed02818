/** Codes of errors with which a request cannot have reached the other side: nothing was connected. */
const codes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** Is it certain that nothing was asked of the other side? */
export function neverSent(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && codes.has(code)) return true;
  return cause !== undefined && cause !== null && neverSent(cause);
}
