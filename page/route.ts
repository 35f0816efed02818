import { useEffect, useState } from 'preact/hooks';

/** The part of the address after `#`. A route never holds a key, and the browser never sends the route to a server. */
export interface Route {
  /** The name of the view, such as `devices` or `devices/<uuid>`; empty for the overview. */
  path: string;
  query: Record<string, string>;
}

/** Reads a route. @param hash the part of the address after `#`, with or without the `#` */
export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return { path: path.replace(/\/+$/, ''), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a view, for `href`. Empty filters are left out. */
export function linkTo(path: string, query: Record<string, string | undefined> = {}): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  return `#/${path}${entries.length > 0 ? `?${new URLSearchParams(entries)}` : ''}`;
}

/** Changes the filters of a view. The browser's history gets no new entry, and the focus stays in place. */
export function refine(path: string, query: Record<string, string | undefined>): void {
  location.replace(linkTo(path, query));
}

/** The current route. A component that uses the hook renders again when the route changes. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const onChange = () => setRoute(readRoute(location.hash));
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return route;
}
