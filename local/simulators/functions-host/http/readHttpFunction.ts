import type { RegisteredFunction } from '../createApp.js';
import type { AuthLevel } from './mayCall.js';
import { parseRoute, type Route } from './parseRoute.js';

export interface HttpFunction {
  registered: RegisteredFunction;
  name: string;
  route: Route;
  /** Upper case. */
  methods: string[];
  authLevel: AuthLevel;
}

/**
 * What an HTTP trigger asks for. Its route is its name unless given.
 *
 * @throws Error naming the function, for an authLevel that is not `anonymous`, `function` or `admin`, or a route that cannot be read
 */
export function readHttpFunction(registered: RegisteredFunction, routePrefix: string): HttpFunction {
  const { name, bindings } = registered.metadata;
  const trigger = Object.values(bindings).find(({ type }) => type.toLowerCase() === 'httptrigger');
  const authLevel = String(trigger?.authLevel ?? 'anonymous').toLowerCase();
  if (!isAuthLevel(authLevel))
    throw new Error(`function ${name}: the authLevel "${authLevel}" is not known here`);
  const methods = Array.isArray(trigger?.methods)
    ? trigger.methods.map((method) => String(method).toUpperCase())
    : [];
  const route = typeof trigger?.route === 'string' ? trigger.route : name;
  if (/^[/~]|\/\//.test(route)) {
    throw new Error(
      `function ${name}: the route "${route}" must not start with "/" or "~", nor have "//" in it`,
    );
  }
  return { registered, name, methods, authLevel, route: parseRoute(`${routePrefix}/${route}`) };
}

/** Most specific route first. @throws Error when two functions want the same method on the same route */
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
      throw new Error(`the route of function ${one.name} conflicts with the one of function ${other.name}`);
  }
  return functions.toSorted((a, b) => (a.route.precedence < b.route.precedence ? -1 : 1));
}

function isAuthLevel(text: string): text is AuthLevel {
  return text === 'anonymous' || text === 'function' || text === 'admin';
}
