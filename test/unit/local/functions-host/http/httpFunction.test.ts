import {
  type HttpFunction,
  parseRoute,
  readHttpFunction,
} from '../../../../../local/simulators/functions-host/http/httpFunction.js';
import type { Binding } from '../../../../../local/simulators/functions-host/worker/core.js';

const read = (name: string, trigger: Partial<Binding> = {}, others: HttpFunction[] = []) =>
  readHttpFunction({ name, bindings: { trigger: { type: 'httpTrigger', ...trigger } } }, 'api', others);

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
    expect(() => read('f', { route })).toThrow(`the route "${route}"`);
  });

  it('refuses a route that begins like the routes of the host', () => {
    expect(() => read('f', { route: 'Administer' })).toThrow('conflicts with one or more built in routes');
  });

  it('refuses an authLevel that it does not know, rather than to take it for anonymous', () => {
    expect(() => read('f', { authLevel: 'system' })).toThrow(
      'the local host does not know the authLevel "system"',
    );
  });
});

describe('two functions', () => {
  const one = read('one', { route: 'a/{id?}', methods: ['GET'] });

  it('may share a route, each with its methods', () => {
    expect(read('two', { route: 'A/{id?}', methods: ['DELETE'] }, [one])).toMatchObject({ name: 'two' });
  });

  it.each([[['GET', 'POST']], [undefined]])(
    'must not accept the same method on the same route: %j',
    (methods) => {
      expect(() => read('two', { route: 'A/{id?}', methods }, [one])).toThrow(
        'conflicts with the route of function one',
      );
    },
  );
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
    ['a/{id:int}', '/a/+5', { id: '+5' }],
    ['a/{id:int}', '/a/x', undefined],
    ['a/{id:int?}', '/a', {}],
  ])('%s against %s', (template, path, expected) => {
    expect(parseRoute(template).match(path)).toEqual(expected);
  });

  it.each(['a/{id:long}', 'a/{id=5}', 'a/{', 'a/{x?}/b', 'a/{*rest}', 'a/{name}.json'])(
    'rejects the template %s, because the local host lacks its syntax or Azure forbids the template',
    (template) => {
      expect(() => parseRoute(template)).toThrow(`route "${template}"`);
    },
  );
});
