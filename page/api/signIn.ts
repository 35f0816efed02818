import type { SignInState } from '../../src/http/signIn/answer.js';
import { printable } from '../../src/shared/printable.js';
import { operatorsPath } from './openApi.js';

/** Whether the operator may sign in, or has signed in. Null if the API does not say: the page then offers the key alone. */
export async function readSignIn(signal: AbortSignal): Promise<SignInState | null> {
  try {
    const response = await fetch(`${operatorsPath()}me`, {
      signal,
      cache: 'no-store',
      credentials: 'same-origin',
    });
    return response.ok ? printable((await response.json()) as SignInState) : null;
  } catch {
    return null;
  }
}

/** The address at which App Service Authentication signs a user in. The browser then returns to the page. */
export function signInAddress(): string {
  return `/.auth/login/aad?post_login_redirect_uri=${encodeURIComponent(location.pathname)}`;
}

/** The address at which App Service Authentication signs the user out. */
export function signOutAddress(): string {
  return `/.auth/logout?post_logout_redirect_uri=${encodeURIComponent(location.pathname)}`;
}
