import { RestError } from '@azure/data-tables';

/**
 * Says why a call to the tables has failed, and what to check.
 *
 * @param error an error of the SDK
 * @param code the code in the answer of Azure Tables, such as `AuthenticationFailed`; undefined without such a code
 */
export function unreachable(error: unknown, code: string | undefined): string {
  const status = error instanceof RestError ? error.statusCode : undefined;
  if (status === 401 || status === 403)
    return `The tables reject our credentials (${named(status, code)}): check RECORDS_CONNECTION, the firewall of the account, and the roles of the managed identity.`;
  // Azure Tables explains each refusal with a code.
  if (status !== undefined && status < 500 && code === undefined)
    return `Something else than Azure Tables answers (${named(status, code)}): check RECORDS_CONNECTION, and proxies on the way.`;
  return `The records cannot be reached (${status === undefined ? connectionFault(error) : named(status, code)}).`;
}

function named(status: number, code: string | undefined): string {
  return `HTTP ${status}${code === undefined ? '' : ` ${code}`}`;
}

function connectionFault(error: unknown): string {
  if (error instanceof RestError) return error.code ?? 'no connection';
  return error instanceof Error ? error.name : 'unknown';
}
