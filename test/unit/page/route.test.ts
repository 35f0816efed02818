import { filterOf, filterText } from '../../../page/deadLetters/filterOf.js';
import { linkTo, readRoute } from '../../../page/route.js';

test.each([
  ['', { path: '', query: {} }],
  ['#/', { path: '', query: {} }],
  ['#/devices/', { path: 'devices', query: {} }],
  [
    '#/devices?state=failed&fleet=acme%2Fpumps',
    { path: 'devices', query: { state: 'failed', fleet: 'acme/pumps' } },
  ],
])('%s is read', (hash, route) => expect(readRoute(hash)).toEqual(route));

test('a link leads to the same path and query, without empty filters', () => {
  const query = { errorCode: 'timed-out', step: '', fleet: undefined, since: '2026-11-24T03:00Z' };
  expect(readRoute(linkTo('dead-letters', query))).toEqual({
    path: 'dead-letters',
    query: { errorCode: 'timed-out', since: '2026-11-24T03:00Z' },
  });
});

test('the filter of a list becomes the filter of an action', () => {
  expect(filterOf({ errorCode: 'timed-out', fleet: 'acme/pumps' })).toEqual({
    code: 'timed-out',
    fleet: 'acme/pumps',
  });
  expect(filterText({ code: 'timed-out', fleet: 'acme/pumps' })).toBe('code timed-out, fleet acme/pumps');
  expect(filterText({})).toBe('all dead letters');
});
