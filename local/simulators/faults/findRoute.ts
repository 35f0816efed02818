/** What a route of the control server is given. */
export interface RouteCall {
  /** The `{name}` parts of its path. */
  params: Record<string, string>;
  query: URLSearchParams;
  /** The parsed JSON; undefined when there was no body. */
  body: unknown;
}

/** What it returns is answered as JSON with 200; undefined is answered with 204. */
export type Route = (call: RouteCall) => unknown;

/** By method and path, such as `PUT /throttle` or `DELETE /devices/{uuid}`. */
export type Routes = Record<string, Route>;

export function findRoute(routes: Routes, method: string, path: string) {
  const asked = path.split('/');
  for (const [key, route] of Object.entries(routes)) {
    const [wantedMethod, wantedPath = ''] = key.split(' ');
    const wanted = wantedPath.split('/');
    if (wantedMethod !== method || wanted.length !== asked.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((part, index) => {
      const value = asked[index] ?? '';
      if (!part.startsWith('{')) return part === value;
      params[part.slice(1, -1)] = value;
      return value !== '';
    });
    if (fits) return { route, params };
  }
  return undefined;
}
