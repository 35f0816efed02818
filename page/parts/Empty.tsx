import type { ComponentChildren } from 'preact';

/** There is nothing, and what that means. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
