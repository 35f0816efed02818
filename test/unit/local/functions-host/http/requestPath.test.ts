import { joinQuery, resolvePath } from '../../../../../local/simulators/functions-host/http/requestPath.js';

test.each([
  ['/api/x', '/api/x'],
  ['/api/./x', '/api/x'],
  ['/api/a/../x', '/api/x'],
  ['/api/a/%2e%2E/x', '/api/x'],
  ['/../../x', '/x'],
  ['/api/x/..', '/api/'],
  ['/api/x...y/..z', '/api/x...y/..z'],
])('the path %s is %s', (path, resolved) => {
  expect(resolvePath(path)).toBe(resolved);
});

test.each([
  ['', {}],
  ['a=1', { a: '1' }],
  ['a=1&a=2', { a: '1,2' }],
  ['A=1&a=2', { a: '1,2' }],
  ['a=%ff&b=x+y&c', { a: '%ff', b: 'x y', c: '' }],
])('the query %s is read as %j', (query, read) => {
  expect(joinQuery(query)).toEqual(read);
});
