import type { StoredIdentity } from '../../../../local/simulators/iothub/identity.js';
import { createQueryView } from '../../../../local/simulators/iothub/queries.js';
import { openDeviceStore } from '../../../../local/simulators/iothub/registry.js';

const identity = (deviceId: string, etag = '1') =>
  ({ deviceId, etag, status: 'enabled' }) as unknown as StoredIdentity;

function lagging(ms: number) {
  const time = { now: 0 };
  const view = createQueryView(openDeviceStore(undefined), () => time.now);
  for (const id of ['a', 'c', 'e']) view.store.put(identity(id));
  view.setLag(ms);
  return { view, time, seen: () => view.list(9).map(({ deviceId, etag }) => deviceId + etag) };
}

test('without a lag, queries show what there is', () => {
  const { view, seen } = lagging(0);
  view.store.put(identity('b'));
  view.store.delete('c');
  expect(seen()).toEqual(['a1', 'b1', 'e1']);
});

test('what was made, changed or removed is seen when the lag is over, each change in its time', () => {
  const { view, time, seen } = lagging(100);
  view.store.put(identity('b'));
  view.store.put(identity('a', '2'));
  view.store.delete('c');
  expect(seen()).toEqual(['a1', 'c1', 'e1']);
  time.now = 60;
  view.store.put(identity('a', '3'));
  time.now = 100;
  expect(seen()).toEqual(['a2', 'b1', 'e1']);
  time.now = 160;
  expect(seen()).toEqual(['a3', 'b1', 'e1']);
});

test('pages hold as many as they should, with what is gone still among them', () => {
  const { view } = lagging(100);
  view.store.delete('a');
  view.store.put(identity('b'));
  const first = view.list(2).map(({ deviceId }) => deviceId);
  expect(first).toEqual(['a', 'c']);
  expect(view.list(2, 'c').map(({ deviceId }) => deviceId)).toEqual(['e']);
});
