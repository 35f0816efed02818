import type { Binding } from '../../../../../local/simulators/functions-host/core.js';
import {
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
    expect(() => read('f', { authLevel: 'system' })).toThrow('function f: the authLevel "system"');
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
      'the route of function two conflicts with the one of function one',
    );
  });
});
