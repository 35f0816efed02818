import type { RegisteredFunction } from '../createApp.js';
import type { AuthLevel } from './keys.js';

/** A function with an HTTP trigger. */
export interface HttpFunction {
  registered: RegisteredFunction;
  name: string;
  route: Route;
  /** Upper case. An empty list means every method. */
  methods: string[];
  authLevel: AuthLevel;
}

/**
 * Reads an HTTP trigger. The default route is the function's name.
 *
 * @param routePrefix comes before every route, without slashes at either end
 * @throws Error naming the function, if the authLevel is not `anonymous`, `function` or `admin`, or if the route cannot be read
 */
export function readHttpFunction(registered: RegisteredFunction, routePrefix: string): HttpFunction {
  const { name, bindings } = registered.metadata;
  const trigger = Object.values(bindings).find(({ type }) => type.toLowerCase() === 'httptrigger');
  const authLevel = String(trigger?.authLevel ?? 'anonymous').toLowerCase();
  if (!isAuthLevel(authLevel))
    throw new Error(`function ${name}: the local host does not know the authLevel "${authLevel}"`);
  const methods = Array.isArray(trigger?.methods)
    ? trigger.methods.map((method) => String(method).toUpperCase())
    : [];
  const route = typeof trigger?.route === 'string' ? trigger.route : name;
  if (/^[/~]|\/\//.test(route)) {
    throw new Error(
      `function ${name}: the route "${route}" must not start with "/" or "~", and must not contain "//"`,
    );
  }
  return { registered, name, methods, authLevel, route: parseRoute(`${routePrefix}/${route}`) };
}

function isAuthLevel(text: string): text is AuthLevel {
  return text === 'anonymous' || text === 'function' || text === 'admin';
}

/**
 * Sorts functions so that the most specific route comes first.
 *
 * @throws Error if two functions accept the same method on the same route
 */
export function sortByRoute(functions: HttpFunction[]): HttpFunction[] {
  for (const [index, one] of functions.entries()) {
    const other = functions
      .slice(0, index)
      .find(
        ({ route, methods }) =>
          route.template.toLowerCase() === one.route.template.toLowerCase() &&
          methods.some((method) => one.methods.includes(method)),
      );
    if (other)
      throw new Error(`the route of function ${one.name} conflicts with the route of function ${other.name}`);
  }
  return functions.toSorted((a, b) => (a.route.precedence < b.route.precedence ? -1 : 1));
}

/** A route template such as `provision/{uuid?}`, ready for matching. */
export interface Route {
  template: string;
  /** Sort key. A literal segment sorts before a parameter, as in ASP.NET Core. */
  precedence: string;
  /**
   * Matches a path such as `/api/provision/1`.
   * @returns the parameters by name, without absent optional parameters; undefined if the path does not match
   */
  match(path: string): Record<string, string> | undefined;
}

type Segment = { literal: string } | { name: string; optional: boolean };

/**
 * Reads the part of ASP.NET Core's route templates that this project uses: literals (compared without case), `{id}`, and
 * `{id?}` at the end.
 *
 * @throws Error for a template with other syntax, because such a route would behave differently on Azure
 */
export function parseRoute(template: string): Route {
  const segments = template
    .split('/')
    .filter((text) => text !== '')
    .map((text) => parseSegment(template, text));
  const required = segments.findLastIndex((segment) => !isOptional(segment)) + 1;
  if (segments.slice(0, required).some(isOptional)) {
    throw new Error(`route "${template}": an optional parameter must be at the end`);
  }
  return {
    template,
    precedence: segments.map((segment) => ('literal' in segment ? 1 : 2)).join(''),
    match: (path) => {
      if (!path.startsWith('/')) return undefined;
      const values = decode(path).replace(/\/$/, '').split('/').slice(1);
      if (values.length < required || values.length > segments.length) return undefined;
      return matchSegments(segments, values);
    },
  };
}

function matchSegments(segments: Segment[], values: string[]): Record<string, string> | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, value] of values.entries()) {
    const segment = segments[index]!;
    if ('literal' in segment) {
      if (segment.literal !== value.toLowerCase()) return undefined;
    } else {
      if (value === '') return undefined;
      parameters[segment.name] = value;
    }
  }
  return parameters;
}

function parseSegment(template: string, text: string): Segment {
  const [, name, mark] = /^\{([a-z_]\w*)(\?)?\}$/i.exec(text) ?? [];
  if (name !== undefined) return { name, optional: mark === '?' };
  if (/[{}*?]/.test(text)) throw new Error(`route "${template}": the local host does not support "${text}"`);
  return { literal: text.toLowerCase() };
}

function isOptional(segment: Segment): boolean {
  return 'optional' in segment && segment.optional;
}

/** Decodes a path. An encoded slash stays encoded, as in the web server of the real host. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path.replace(/%2f/gi, '%252F'));
  } catch {
    return path;
  }
}
