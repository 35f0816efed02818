import type { HttpCookie } from '../core.js';

const sameSite = { none: undefined, lax: 'lax', strict: 'strict', explicitNone: 'none' };

/** A `Set-Cookie` header as ASP.NET Core writes it: the value encoded, the path `/` unless given. */
export function setCookie(cookie: HttpCookie): string {
  const expires = cookie.expires?.value?.seconds;
  const attributes: [string, string | number | boolean | undefined][] = [
    ['expires', expires === undefined ? undefined : new Date(expires * 1000).toUTCString()],
    ['max-age', cookie.maxAge?.value],
    ['domain', cookie.domain?.value],
    ['path', cookie.path?.value ?? '/'],
    ['secure', cookie.secure?.value],
    ['samesite', sameSite[cookie.sameSite ?? 'none']],
    ['httponly', cookie.httpOnly?.value],
  ];
  const texts = attributes
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => (value === true ? name : `${name}=${value}`));
  return [`${cookie.name}=${encodeURIComponent(cookie.value)}`, ...texts].join('; ');
}
