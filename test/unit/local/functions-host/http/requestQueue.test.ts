import { setImmediate } from 'node:timers/promises';
import { createRequestQueue } from '../../../../../local/simulators/functions-host/http/requestQueue.js';

/** Requests that run until the test ends them. */
function requestsTo(limits: Parameters<typeof createRequestQueue>[0]) {
  const queue = createRequestQueue(limits);
  const ends: (() => void)[] = [];
  const outcomes: boolean[] = [];
  return {
    ends,
    outcomes,
    async post() {
      void queue.run(() => new Promise((resolve) => ends.push(resolve))).then((ran) => outcomes.push(ran));
      await setImmediate();
    },
  };
}
const none = Number.POSITIVE_INFINITY;

test('without limits every request runs at once', async () => {
  const requests = requestsTo({ maxConcurrentRequests: none, maxOutstandingRequests: none });
  for (let i = 0; i < 300; i += 1) await requests.post();
  expect([requests.ends.length, requests.outcomes]).toEqual([300, []]);
});

test('requests beyond the concurrent ones wait, and count as outstanding', async () => {
  const requests = requestsTo({ maxConcurrentRequests: 2, maxOutstandingRequests: 3 });
  for (let i = 0; i < 4; i += 1) await requests.post();
  expect([requests.ends.length, requests.outcomes]).toEqual([2, [false]]);
  requests.ends[0]?.();
  await setImmediate();
  expect([requests.ends.length, requests.outcomes]).toEqual([3, [false, true]]);
  await requests.post();
  expect(requests.outcomes).toEqual([false, true]);
});
