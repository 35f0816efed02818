import { useEffect, useRef } from 'preact/hooks';

/**
 * At another place the focus goes to its heading, as it does when a page is loaded. Not at the very start, where the browser
 * does that.
 *
 * @param isOpen whether a key was given
 */
export function useFocusOnHeading(isOpen: boolean, path: string): void {
  const isFirst = useRef(true);
  // The path is what it is about.
  useEffect(() => {
    if (isOpen && !isFirst.current) {
      document.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [isOpen, path]);
}
