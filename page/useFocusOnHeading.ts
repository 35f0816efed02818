import { useEffect, useRef } from 'preact/hooks';

/**
 * Another place: the title says so, and the focus goes to its heading, as it does when a page is loaded. Not at the very start,
 * where the browser does that.
 *
 * @param isOpen whether a key was given
 */
export function useFocusOnHeading(isOpen: boolean, path: string): void {
  const isFirst = useRef(true);
  // The path is what it is about.
  useEffect(() => {
    const heading = document.querySelector<HTMLElement>('h1');
    document.title = `${heading?.textContent ?? ''} – Provisioner ops`;
    if (isOpen && !isFirst.current) {
      heading?.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
    isFirst.current = false;
  }, [isOpen, path]);
}
