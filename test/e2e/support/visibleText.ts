import type { Locator } from 'playwright-core';

/** What of it can be seen: what is hidden, or not laid out, is not in it. */
export function visibleText(locator: Locator): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: that would hold what is hidden, too
  return locator.innerText();
}
