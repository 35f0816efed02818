import { accepted, del, post, refused, unknown, wellProvisioned } from '../doctored/histories.js';
import type { Ask } from '../history/Ask.js';
import { checkRefusals } from './checkRefusals.js';

const exists = refused(409, 'DeviceAlreadyExistsError');
const conflict = refused(409, 'service-conflict');
const cooling = refused(422, 'service-not-found');
const removed = accepted('B', 'deprovision');
const wrong = (...asks: Ask[]) => checkRefusals(wellProvisioned({ asks })).map(({ what }) => what);

describe('a refusal is taken for right when', () => {
  test.each<[string, Ask[]]>([
    ['the device was asked for before', [post('main', accepted('A'), 0), post('main', exists, 100)]],
    ['a lost request may have asked for it', [post('main', unknown, 0), post('main', exists, 100)]],
    [
      'the device was being removed at that moment',
      [post('main', accepted('A'), 0), post('main', exists, 100, 300), del(removed, 200, 400)],
    ],
    ['another service had it', [post('', accepted('A'), 0), post('main', conflict, 100)]],
    ['the same request has failed', [post('x', accepted('A'), 0), post('x', cooling, 100)]],
    [
      'a service that does not exist was refused, and a repeated removal came meanwhile',
      [post('no-such-service', accepted('A'), 0), del(removed, 100), post('no-such-service', cooling, 200)],
    ],
  ])('%s', (_, asks) => {
    expect(wrong(...asks)).toEqual([]);
  });
});

describe('a refusal is found wrong when', () => {
  test.each<[string, Ask[]]>([
    [
      'the device was removed before',
      [post('main', accepted('A'), 0), del(removed, 100), post('main', exists, 200)],
    ],
    ['it was wanted at another service', [post('', accepted('A'), 0), post('main', exists, 100)]],
    ['nobody had asked', [post('main', exists, 0)]],
    ['it is asked for only later', [post('main', exists, 0), post('main', accepted('A'), 100)]],
    ['no other service had it', [post('main', accepted('A'), 0), post('main', conflict, 100)]],
    ['what failed was something else', [post('x', accepted('A'), 0), post('main', cooling, 100)]],
    ['a removal is refused', [post('main', accepted('A'), 0), del(conflict, 100)]],
    [
      'the answer is none of those that there are',
      [post('main', refused(400, 'provision.request.bad-body'), 0)],
    ],
  ])('%s', (_, asks) => {
    expect(wrong(...asks)).toHaveLength(1);
  });
});
