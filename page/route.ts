import { useEffect, useState } from 'preact/hooks';

/** Where one is, as the part of the address after `#`. It never holds a key, and is not sent to anyone. */
export interface Route {
  /** `devices` or `devices/<uuid>`, for example; empty for the overview. */
  path: string;
  query: Record<string, string>;
}

export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  return { path: path.replace(/\/+$/, ''), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a place, for `href`. Empty fields are left out. */
export function linkTo(path: string, query: Record<string, string | undefined> = {}): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => !!entry[1]);
  return `#/${path}${entries.length > 0 ? `?${new URLSearchParams(entries)}` : ''}`;
}

/** Other filters at the same place: no new entry in the history, and the focus stays where it is. */
export function refine(path: string, query: Record<string, string | undefined>): void {
  location.replace(linkTo(path, query));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const onChange = () => setRoute(readRoute(location.hash));
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);
  return route;
}
