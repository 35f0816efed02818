import { parseRoute } from '../../../../../local/simulators/functions-host/http/httpFunction.js';

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
    ['a/{*rest}', '/a', {}],
    ['a/{*rest}', '/a/1/2', { rest: '1/2' }],
    ['a/{id:int}', '/a/-7', { id: '-7' }],
    ['a/{id:int}', '/a/x', undefined],
    ['a/{id:int}', '/a/99999999999', undefined],
    ['a/{id:int?}', '/a', {}],
    ['a/{id:int?}', '/a/x', undefined],
    [
      'a/{id:guid}',
      '/a/0f8fad5b-d9cb-469f-a165-70867728950e',
      { id: '0f8fad5b-d9cb-469f-a165-70867728950e' },
    ],
    ['a/{id:alpha:minlength(2)}', '/a/b', undefined],
    ['a/{id:length(2,3)}', '/a/bcd', { id: 'bcd' }],
    ['a/{name}.json', '/a/b.json', { name: 'b' }],
    ['a/{name}.json', '/a/bxjson', undefined],
    ['a/{id}', '/a/%C3%A4%20b', { id: 'ä b' }],
    ['a/{id}', '/a/b%2Fc', { id: 'b%2Fc' }],
    ['a/{id}', '/a/%zz', { id: '%zz' }],
  ])('%s against %s', (template, path, expected) => {
    expect(parseRoute(template).match(path)).toEqual(expected);
  });

  it('sorts literals before constraints before parameters before catch-alls', () => {
    const templates = ['a/{*rest}', 'a/{id}', 'a/b', 'a/{id:int}'];
    const sorted = templates.map(parseRoute).sort((a, b) => (a.precedence < b.precedence ? -1 : 1));
    expect(sorted.map(({ template }) => template)).toEqual(['a/b', 'a/{id:int}', 'a/{id}', 'a/{*rest}']);
  });

  it.each(['a/{id:colour}', 'a/{id=5}', 'a/{', 'a/{x?}/b', 'a/{id:regex(^a$)}'])('refuses %s', (template) => {
    expect(() => parseRoute(template)).toThrow(`route "${template}"`);
  });
});
