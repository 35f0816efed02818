/** A call outside that reached its deadline: what it asked for may have happened, or may still happen. */
export class CallTimeout extends Error {
  constructor() {
    super('no answer within the deadline');
    this.name = 'CallTimeout';
  }
}

/** Codes of errors with which a request cannot have reached the other side: nothing was connected, or its certificate was refused. */
const codes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** Is it certain that nothing was asked of the other side? */
export function neverSent(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === 'string' && codes.has(code)) return true;
  return cause !== undefined && cause !== null && neverSent(cause);
}
