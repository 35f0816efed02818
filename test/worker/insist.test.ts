import { type ErrorCode, ProvisioningError } from '../../src/ProvisioningError.js';
import { insist } from '../../src/worker/insist.js';
import { handClock } from '../support/handClock.js';

/** A call that fails this often, and then answers. */
function failing(times: number, code: ErrorCode = 'records-unavailable') {
  let asked = 0;
  return async () => {
    asked += 1;
    if (asked <= times) throw new ProvisioningError(code, '', { retry: 'later' });
    return asked;
  };
}

test('records that cannot be reached are asked four times, within eight seconds', async () => {
  const clock = handClock(0);
  expect(await insist(clock, failing(3))).toBe(4);
  expect(clock.at).toBe(7_500);
  await expect(insist(clock, failing(4))).rejects.toMatchObject({ code: 'records-unavailable' });
});

test('nothing else is asked again', async () => {
  const clock = handClock(0);
  await expect(insist(clock, failing(1, 'unexpected'))).rejects.toMatchObject({ code: 'unexpected' });
  expect(clock.at).toBe(0);
});
