/** An operator who has entered the key. The key stays in memory, or, if the operator chooses so, in the storage of the tab. */
export interface KeySession {
  kind: 'key';
  /** Empty before the operator has entered the key. */
  key: string;
  /** The operator's name for the audit; may be empty. */
  by: string;
}

/** An operator who has signed in with Microsoft. The browser sends the session's cookie, and the page holds no secret. */
export interface SignedInSession {
  kind: 'microsoft';
  /** The user's name. */
  by: string;
  /** Whether the user may act, or only look. */
  mayAct: boolean;
}

export type Session = KeySession | SignedInSession;

const keyName = 'ops.key';
const byName = 'ops.by';

/** The key that an earlier load of the page has kept in this tab; empty if there is none. */
export function rememberedKey(): string {
  return read(() => sessionStorage.getItem(keyName));
}

/** The name that the operator has entered last in this browser; empty if there is none. */
export function rememberedName(): string {
  return read(() => localStorage.getItem(byName));
}

/**
 * Keeps the name in this browser.
 *
 * @param keepKey whether the key is kept too, until the tab is closed
 */
export function remember({ key, by }: KeySession, keepKey: boolean): void {
  write(() => {
    if (keepKey) sessionStorage.setItem(keyName, key);
    else sessionStorage.removeItem(keyName);
    localStorage.setItem(byName, by);
  });
}

/** Removes a kept key. The name stays. */
export function forgetKey(): void {
  write(() => sessionStorage.removeItem(keyName));
}

// A browser may forbid storage. The page then keeps nothing between loads, and works otherwise.
function read(get: () => string | null): string {
  try {
    return get() ?? '';
  } catch {
    return '';
  }
}

function write(set: () => void): void {
  try {
    set();
  } catch {}
}
