import type { Binding } from '../../../../../local/simulators/functions-host/core.js';
import {
  parseRoute,
  readHttpFunction,
  sortByRoute,
} from '../../../../../local/simulators/functions-host/http/httpFunction.js';

const read = (name: string, trigger: Partial<Binding> = {}) =>
  readHttpFunction(
    { metadata: { name, bindings: { trigger: { type: 'httpTrigger', ...trigger } } }, callback: () => {} },
    'api',
  );

describe('readHttpFunction', () => {
  it('takes the name for a route, and anonymous for an authLevel, unless they are given', () => {
    expect(read('health')).toMatchObject({ authLevel: 'anonymous', route: { template: 'api/health' } });
    expect(read('health', { authLevel: 'FUNCTION', route: 'ready', methods: ['get'] })).toMatchObject({
      authLevel: 'function',
      methods: ['GET'],
      route: { template: 'api/ready' },
    });
  });

  it.each(['/a', '~/a', 'a//b'])('refuses the route %s', (route) => {
    expect(() => read('f', { route })).toThrow(`function f: the route "${route}"`);
  });

  it('refuses an authLevel that it does not know, rather than to take it for anonymous', () => {
    expect(() => read('f', { authLevel: 'system' })).toThrow(
      'function f: the local host does not know the authLevel "system"',
    );
  });
});

describe('sortByRoute', () => {
  it('lets functions share a route, each with its methods', () => {
    const one = read('one', { route: 'a/{id?}', methods: ['GET'] });
    const two = read('two', { route: 'A/{id?}', methods: ['DELETE'] });
    expect(sortByRoute([one, two])).toHaveLength(2);
  });

  it('refuses two functions for the same route and method', () => {
    const one = read('one', { route: 'a', methods: ['GET', 'POST'] });
    const two = read('two', { route: 'A', methods: ['POST'] });
    expect(() => sortByRoute([one, two])).toThrow(
      'the route of function two conflicts with the route of function one',
    );
  });
});

describe('parseRoute', () => {
  it.each([
    ['api/echo', '/api/echo', {}],
    ['api/echo', '/API/ECHO/', {}],
    ['api/echo', '/api/echo/1', undefined],
    ['api/echo', '/api', undefined],
    ['', '/', {}],
    ['{id}', '/1', { id: '1' }],
    ['a/{id}', '/a', undefined],
    ['a/{id?}', '/a', {}],
    ['a/{id?}', '/a/1', { id: '1' }],
    ['a/{x?}/{y?}', '/a/1/2', { x: '1', y: '2' }],
    ['a/{x?}/{y?}', '/a/1', { x: '1' }],
    ['a/{id}/b', '/a/1/b', { id: '1' }],
    ['a/{id?}', '/a/', {}],
    ['a/{id?}', '/a//', undefined],
    ['a/{id}/b', '/a//b', undefined],
    ['a/{x}/{y?}', '/a', undefined],
    ['openapi.json', '/openapiXjson', undefined],
    ['a/{id}', '/a/%C3%A4%20b', { id: 'ä b' }],
    ['a/{id}', '/a/b%2Fc', { id: 'b%2Fc' }],
    ['a/{id}', '/a/%zz', { id: '%zz' }],
  ])('%s against %s', (template, path, expected) => {
    expect(parseRoute(template).match(path)).toEqual(expected);
  });

  it('sorts literals before parameters', () => {
    const sorted = ['a/{id}', 'a/b'].map(parseRoute).sort((a, b) => (a.precedence < b.precedence ? -1 : 1));
    expect(sorted.map(({ template }) => template)).toEqual(['a/b', 'a/{id}']);
  });

  it.each(['a/{id:int}', 'a/{id=5}', 'a/{', 'a/{x?}/b', 'a/{*rest}', 'a/{name}.json'])(
    'rejects the template %s, because the local host lacks its syntax or Azure forbids the template',
    (template) => {
      expect(() => parseRoute(template)).toThrow(`route "${template}"`);
    },
  );
});
