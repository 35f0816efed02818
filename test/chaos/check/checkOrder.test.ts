import {
  accepted,
  del,
  post,
  refused,
  unknown,
  unsent,
  view,
  wellProvisioned,
} from '../doctored/histories.js';
import type { Ask } from '../history/Ask.js';
import { lateMs } from './candidates.js';
import { checkOrder } from './checkOrder.js';
import type { View } from './Evidence.js';

const atMain = (requestId: string) => view('provisioned', requestId, 'main');
const gone = (requestId: string) => view('deprovisioned', requestId, null);
const removed = (requestId: string) => accepted(requestId, 'deprovision');
const wrong = (asks: Ask[], end: View | null) =>
  checkOrder(wellProvisioned({ asks, view: end })).map(({ what }) => what);

describe('a history is taken for right when', () => {
  test.each<[string, Ask[], View | null]>([
    ['the only request decided', [post('main', accepted('A'), 0)], atMain('A')],
    ['the last of two decided', [post('main', accepted('A'), 0), del(removed('B'), 100)], gone('B')],
    [
      'one of two that were under way together decided, whichever was sent first',
      [post('main', accepted('A'), 0, 200), del(removed('B'), 100, 300)],
      atMain('A'),
    ],
    [
      'a request was lost, and came after all that were acknowledged',
      [post('main', accepted('A'), 0), del(unknown, 100)],
      gone('Z'),
    ],
    ['a request was lost, and never came', [post('main', accepted('A'), 0), del(unknown, 100)], atMain('A')],
    [
      'a request was lost, and took effect late, after another was acknowledged',
      [del(unknown, 100), post('main', accepted('A'), 200)],
      gone('Z'),
    ],
    ['nothing was accepted, and there is no record', [post('main', unknown, 0)], null],
    [
      'a refused request had no effect',
      [post('main', accepted('A'), 0), post('', refused(409, ''), 100)],
      atMain('A'),
    ],
    [
      'a repeated ask is told that it is under way',
      [post('main', accepted('A'), 0), post('main', accepted('A'), 100)],
      atMain('A'),
    ],
  ])('%s', (_, asks, end) => {
    expect(wrong(asks, end)).toEqual([]);
  });
});

describe('a history is found wrong when', () => {
  test.each<[string, Ask[], View | null, RegExp]>([
    ['an accepted request left no record', [post('main', accepted('A'), 0)], null, /no record/],
    [
      'an earlier request decided',
      [post('main', accepted('A'), 0), del(removed('B'), 100)],
      atMain('A'),
      /A says, although a later one was accepted/,
    ],
    [
      'an earlier request decided, and a lost one for the same is no excuse: its id is known',
      [post('main', accepted('A'), 0), post('main', unknown, 50), del(removed('B'), 100)],
      atMain('A'),
      /although a later one/,
    ],
    [
      'a lost request took effect later than anything can',
      [del(unknown, 100), post('main', accepted('A'), 200 + lateMs)],
      gone('Z'),
      /nobody sent last/,
    ],
    [
      'a request that was refused took effect',
      [post('main', accepted('A'), 0), post('', refused(409, 'service-conflict'), 100)],
      view('provisioned', 'Z', ''),
      /nobody sent last/,
    ],
    [
      'a request that was never sent took effect',
      [post('main', accepted('A'), 0), del(unsent, 100)],
      gone('Z'),
      /nobody sent last/,
    ],
    ['nobody sent what it ended with', [post('main', accepted('A'), 0)], gone('Z'), /nobody sent last/],
    [
      'the request that decided was for another service',
      [post('main', accepted('A'), 0)],
      view('provisioned', 'A', 'cloud-relay'),
      /for something else/,
    ],
    [
      'a removal was answered as a provision',
      [del(accepted('A', 'provision'), 0)],
      gone('A'),
      /provision was accepted/,
    ],
    [
      'a request that had been replaced came back',
      [post('main', accepted('A'), 0), del(removed('B'), 100), post('main', accepted('A'), 200)],
      atMain('A'),
      /came back/,
    ],
  ])('%s', (_, asks, end, what) => {
    expect(wrong(asks, end)).toContainEqual(expect.stringMatching(what));
  });
});
