import type { FunctionMetadata } from '../worker/core.js';
import type { AuthLevel } from './keys.js';

/** A function with an HTTP trigger. */
export interface HttpFunction {
  metadata: FunctionMetadata;
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
 * @param others the functions that were read before
 * @throws Error if the authLevel is not `anonymous`, `function` or `admin`, if the route cannot be read, or if another
 *   function accepts the same method on the same route
 */
export function readHttpFunction(
  metadata: FunctionMetadata,
  routePrefix: string,
  others: HttpFunction[] = [],
): HttpFunction {
  const { name, bindings } = metadata;
  const trigger = Object.values(bindings).find(({ type }) => type.toLowerCase() === 'httptrigger');
  const authLevel = String(trigger?.authLevel ?? 'anonymous').toLowerCase();
  if (!isAuthLevel(authLevel)) throw new Error(`the local host does not know the authLevel "${authLevel}"`);
  const methods = Array.isArray(trigger?.methods)
    ? trigger.methods.map((method) => String(method).toUpperCase())
    : [];
  const route = typeof trigger?.route === 'string' ? trigger.route : name;
  if (/^[/~]|\/\//.test(route)) {
    throw new Error(`the route "${route}" must not start with "/" or "~", and must not contain "//"`);
  }
  if (trigger?.route !== undefined && /^admin/i.test(route)) {
    throw new Error('The specified route conflicts with one or more built in routes.');
  }
  const read = { metadata, name, methods, authLevel, route: parseRoute(`${routePrefix}/${route}`) };
  const other = others.find((one) => isSameRoute(one, read));
  if (other) throw new Error(`the route conflicts with the route of function ${other.name}`);
  return read;
}

function isSameRoute(one: HttpFunction, two: HttpFunction): boolean {
  if (one.route.template.toLowerCase() !== two.route.template.toLowerCase()) return false;
  if (one.methods.length === 0 || two.methods.length === 0) return true;
  return one.methods.some((method) => two.methods.includes(method));
}

function isAuthLevel(text: string): text is AuthLevel {
  return text === 'anonymous' || text === 'function' || text === 'admin';
}

/** A route template such as `provision/{uuid?}`, ready for matching. */
export interface Route {
  template: string;
  /**
   * Matches a path such as `/api/provision/1`.
   * @returns the parameters by name, without absent optional parameters; undefined if the path does not match
   */
  match(path: string): Record<string, string> | undefined;
}

type Segment = { literal: string } | { name: string; optional: boolean; isInt: boolean };

/**
 * Reads the part of ASP.NET Core's route templates that this project uses: literals (compared without case), `{id}`,
 * `{id:int}`, and `{id?}` at the end.
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
      if (value === '' || (segment.isInt && !isInt(value))) return undefined;
      parameters[segment.name] = value;
    }
  }
  return parameters;
}

function parseSegment(template: string, text: string): Segment {
  const [, name, int, mark] = /^\{([a-z_]\w*)(:int)?(\?)?\}$/i.exec(text) ?? [];
  if (name !== undefined) return { name, optional: mark === '?', isInt: int !== undefined };
  if (/[{}*?]/.test(text)) throw new Error(`route "${template}": the local host does not support "${text}"`);
  return { literal: text.toLowerCase() };
}

/** What .NET's `int.TryParse` takes: a sign is allowed. */
function isInt(text: string): boolean {
  return /^[+-]?\d+$/.test(text) && Math.abs(Number(text)) <= 2 ** 31 - 1;
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
