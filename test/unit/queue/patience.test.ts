import { withPatience } from '../../../src/queue/patience.js';
import { ProvisioningError } from '../../../src/shared/errors.js';

const throttled = new ProvisioningError('queue-throttled', 'No credits.');
const away = new ProvisioningError('queue-unavailable', 'Away.');

/** A call that Service Bus refuses some times before the call succeeds. */
async function called(refusals: number, { waits = 3, chance = 0, error = throttled } = {}) {
  const waited: number[] = [];
  let calls = 0;
  let refused = 0;
  const result = await withPatience(
    {
      clock: { sleep: async (ms) => void waited.push(ms) },
      random: () => chance,
      waits,
      onThrottled() {
        refused += 1;
      },
    },
    async () => {
      calls += 1;
      if (calls <= refusals) throw error;
      return 'sent';
    },
  ).catch((thrown: unknown) => thrown);
  return { result, waited, calls, refused };
}

test('a call waits for new credits, each time twice as long', async () => {
  expect(await called(3)).toEqual({
    result: 'sent',
    waited: [2_000, 4_000, 8_000],
    calls: 4,
    refused: 3,
  });
});

test('the waits have jitter of up to the same time, so that the callers do not come back together', async () => {
  expect((await called(2, { chance: 0.5 })).waited).toEqual([3_000, 6_000]);
  expect((await called(2, { chance: 1 })).waited).toEqual([4_000, 8_000]);
});

test('after the last wait the call fails with the cause', async () => {
  expect(await called(9, { waits: 1 })).toEqual({
    result: throttled,
    waited: [2_000],
    calls: 2,
    refused: 2,
  });
});

test('another error is thrown at once, and is no sign of missing credits', async () => {
  expect(await called(1, { error: away })).toEqual({ result: away, waited: [], calls: 1, refused: 0 });
});
