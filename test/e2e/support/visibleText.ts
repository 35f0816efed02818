import type { Locator } from 'playwright-core';

/** The visible text of an element: hidden elements and elements without a layout are left out. */
export function visibleText(locator: Locator): Promise<string> {
  // biome-ignore lint/performance/useDomNodeTextContent: that would hold what is hidden, too
  return locator.innerText();
}
