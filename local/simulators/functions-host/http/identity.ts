import type { IncomingMessage } from 'node:http';

/** The headers that belong to App Service Authentication: of the principal, and of the tokens. */
const ownHeaders = /^x-ms-(client-principal|token)/;

/**
 * Plays App Service Authentication with the action "allow anonymous requests". While it is on (WEBSITE_AUTH_ENABLED), the headers of a client are
 * removed, and the headers of a session are set. While it is off, the headers of a client pass unchanged, as on Azure: anybody can write them.
 *
 * The real session is an encrypted cookie. Here the cookie holds the principal itself, in base64.
 */
export function passIdentity(request: IncomingMessage, isOn = isAuthenticationOn(process.env)): void {
  if (!isOn) return;
  const { headers, headersDistinct } = request;
  for (const name of Object.keys(headers)) {
    if (!ownHeaders.test(name)) continue;
    delete headers[name];
    delete headersDistinct[name];
  }
  const principal = /(?:^|;\s*)AppServiceAuthSession=([^;\s]+)/.exec(headers.cookie ?? '')?.[1];
  if (principal === undefined) return;
  headers['x-ms-client-principal'] = principal;
  headersDistinct['x-ms-client-principal'] = [principal];
}

function isAuthenticationOn(env: Record<string, string | undefined>): boolean {
  return /^true$/i.test(env.WEBSITE_AUTH_ENABLED ?? '');
}
