/** Who looks: the key lives in memory, and, only if asked for, until the tab is closed. */
export interface Session {
  key: string;
  /** For the audit; may be empty. */
  by: string;
}

const keyName = 'ops.key';
const byName = 'ops.by';

export function rememberedKey(): string {
  return read(() => sessionStorage.getItem(keyName));
}

export function rememberedName(): string {
  return read(() => localStorage.getItem(byName));
}

/** @param keepKey until the tab is closed */
export function remember({ key, by }: Session, keepKey: boolean): void {
  write(() => {
    if (keepKey) sessionStorage.setItem(keyName, key);
    else sessionStorage.removeItem(keyName);
    localStorage.setItem(byName, by);
  });
}

export function forgetKey(): void {
  write(() => sessionStorage.removeItem(keyName));
}

// A browser may forbid storage: then nothing is remembered, and all else works.
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
