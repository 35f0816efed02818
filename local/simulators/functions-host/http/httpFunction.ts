import type { RegisteredFunction } from '../createApp.js';
import type { AuthLevel } from './keys.js';

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

/** A route template such as `provision/{uuid?}`, ready to be matched. */
export interface Route {
  template: string;
  /** Sorts the more specific route first: literals before constrained parameters before parameters before catch-alls. */
  precedence: string;
  /** The parameters by name, when the path fits. Optional parameters that are not there are left out. */
  match(path: string): Record<string, string> | undefined;
}

type Constraint = (value: string) => boolean;

const constraints: Record<string, (argument: string) => Constraint> = {
  int: () => (value) => /^-?\d+$/.test(value) && Math.abs(Number(value)) <= 2 ** 31 - 1,
  long: () => (value) => /^-?\d+$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value),
  bool: () => (value) => /^(true|false)$/i.test(value),
  guid: () => (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
  alpha: () => (value) => /^[a-z]*$/i.test(value),
  minlength: (least) => (value) => value.length >= Number(least),
  maxlength: (most) => (value) => value.length <= Number(most),
  length: (range) => {
    const [least, most = least] = range.split(',').map(Number);
    return (value) => value.length >= (least ?? 0) && value.length <= (most ?? 0);
  },
};

const parameter = /\{(\*{0,2})([a-z_]\w*)((?::[^:{}?=]+)*)(\?)?\}/gi;

/**
 * Reads a route template of ASP.NET Core's kind: literals (case-insensitive), `{id}`, `{id?}` at the end, `{*rest}` at the end,
 * and constraints such as `{id:int}` or `{id:length(32)}`.
 *
 * @throws Error for a template with something else in it: it would not behave as in Azure
 */
export function parseRoute(template: string): Route {
  const segments = template.split('/').filter((segment) => segment !== '');
  const names: { name: string; checks: Constraint[] }[] = [];
  let precedence = '';
  let pattern = '';
  let closing = '';

  for (const segment of segments) {
    let optional = false;
    let rank = 1;
    let text = '';
    let end = 0;
    for (const found of segment.matchAll(parameter)) {
      const [whole, stars, name = '', given = '', mark] = found;
      const checks = given
        .split(':')
        .slice(1)
        .map((constraint) => check(template, constraint));
      text += `${literal(template, segment.slice(end, found.index))}${stars ? '(.*)' : '([^/]+)'}`;
      end = found.index + whole.length;
      optional = optional || Boolean(mark) || Boolean(stars);
      rank = (stars ? 5 : 3) - (checks.length > 0 ? 1 : 0);
      names.push({ name, checks });
    }
    text += literal(template, segment.slice(end));
    if (closing !== '' && !optional) {
      throw new Error(`route "${template}": an optional parameter must be at the end`);
    }
    precedence += rank;
    pattern += optional ? `(?:/${text}` : `/${text}`;
    if (optional) closing += ')?';
  }

  const expression = new RegExp(`^${pattern}${closing}/?$`, 'i');
  return {
    template,
    precedence,
    match: (path) => {
      const values = expression.exec(decode(path));
      if (!values) return undefined;
      const parameters: Record<string, string> = {};
      for (const [index, { name, checks }] of names.entries()) {
        const value = values[index + 1];
        if (value === undefined || value === '') continue;
        if (!checks.every((passes) => passes(value))) return undefined;
        parameters[name] = value;
      }
      return parameters;
    },
  };
}

function check(template: string, text: string): Constraint {
  const [, name = '', argument = ''] = /^(\w+)(?:\(([^()]*)\))?$/.exec(text) ?? [];
  const make = constraints[name.toLowerCase()];
  if (!make) throw new Error(`route "${template}": the constraint "${text}" is not known here`);
  return make(argument);
}

function literal(template: string, text: string): string {
  if (/[{}*?]/.test(text)) throw new Error(`route "${template}": "${text}" cannot be read`);
  return text.replace(/[.+^$()|[\]\\]/g, '\\$&');
}

/** Each segment decoded, except for an encoded slash, which stays as it is: so the real host's web server does it. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path.replace(/%2f/gi, '%252F'));
  } catch {
    return path;
  }
}
