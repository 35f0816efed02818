import { openCheckLimit } from '../../../../src/http/proof/checkLimit.js';
import { ProvisioningError } from '../../../../src/shared/errors.js';
import { virtualClock } from '../../../support/virtualClock.js';

/** Sends checks that take `tookMs`, and notes the begin of each. */
function opened(perSecond: number, tookMs: number) {
  const clock = virtualClock();
  const limit = openCheckLimit({ clock, perSecond });
  const begun: { uuid: string; at: number }[] = [];
  const result = { refused: 0, most: 0 };
  let running = 0;
  const send = async (uuid: string, isRight = true) => {
    try {
      await limit.run(uuid, async () => {
        begun.push({ uuid, at: clock.now() });
        running += 1;
        result.most = Math.max(result.most, running);
        await clock.sleep(tookMs);
        running -= 1;
        return isRight;
      });
    } catch (error) {
      expect(error).toMatchObject({ code: 'balena-throttled' });
      result.refused += 1;
    }
  };
  return { clock, limit, begun, result, send };
}

test.each([
  [20, 10],
  [20, 5_000],
  [160, 30],
])(
  '%d checks a second that take %d ms: rate, number at a time and waiting are bounded',
  async (perSecond, tookMs) => {
    const { clock, begun, result, send } = opened(perSecond, tookMs);
    const sent: Promise<void>[] = [];
    for (let ms = 0; ms < 10_000; ms += 5) {
      await clock.passTo(ms);
      sent.push(send(`${ms}`));
    }
    await clock.passTo(40_000);
    await Promise.all(sent);
    for (let second = 0; second < 14; second += 1) {
      const inSecond = begun.filter(({ at }) => at >= second * 1_000 && at < (second + 1) * 1_000);
      expect(inSecond.length).toBeLessThanOrEqual(2 * perSecond);
    }
    expect(begun.length).toBeLessThanOrEqual(14 * perSecond);
    expect(result.most).toBeLessThanOrEqual(64);
    expect(result.refused + begun.length).toBe(2_000);
  },
);

test('devices are served by turns: many proofs for one device delay another one by one check', async () => {
  const { clock, begun, result, send } = opened(20, 10);
  // One begins at once, and eight proofs of one device wait at a time.
  for (let at = 0; at < 1_000; at += 1) void send('attacked');
  void send('fresh');
  await clock.passTo(10_000);
  expect(begun.find(({ uuid }) => uuid === 'fresh')).toEqual({ uuid: 'fresh', at: 100 });
  expect(result.refused).toBe(1_000 - 9);
});

test('after a wrong proof for a device, further proofs for the device come last, but are checked, too', async () => {
  const { clock, begun, send } = opened(20, 10);
  const attacked = Array.from({ length: 50 }, (_, at) => `attacked ${at}`);
  for (const uuid of attacked) void send(uuid, false);
  await clock.passTo(5_000);
  for (const uuid of attacked) for (let at = 0; at < 4; at += 1) void send(uuid, false);
  await clock.passTo(7_000);
  begun.length = 0;
  const fresh = Array.from({ length: 30 }, (_, at) => `fresh ${at}`);
  for (const uuid of fresh) void send(uuid);
  await clock.passTo(9_000);
  expect(begun.filter(({ uuid }) => uuid.startsWith('fresh'))).toHaveLength(30);
  expect(begun.filter(({ uuid }) => uuid.startsWith('attacked'))).toHaveLength(5);
});

test('a right proof ends the suspicion', async () => {
  const { clock, begun, send } = opened(1, 10);
  void send('a', false);
  await clock.passTo(1_000);
  void send('a');
  await clock.passTo(2_000);
  begun.length = 0;
  void send('a');
  void send('b');
  await clock.passTo(4_000);
  expect(begun.map(({ uuid }) => uuid)).toEqual(['a', 'b']);
});

test('a proof that waits for three seconds is refused', async () => {
  const { clock, begun, result, send } = opened(1, 10);
  for (const uuid of ['a', 'a', 'a', 'a', 'a']) void send(uuid);
  await clock.passTo(5_000);
  expect([begun.map(({ at }) => at), result.refused]).toEqual([[0, 1_000, 2_000], 2]);
});

test('an unused second is no credit for more than one second', async () => {
  const { clock, begun, send } = opened(20, 10);
  await clock.passTo(3_600_000);
  for (let at = 0; at < 50; at += 1) void send(`${at}`);
  await clock.passTo(3_600_000);
  expect(begun).toHaveLength(20);
});

test('a device whose turn is more than three seconds away is refused at once', async () => {
  const { clock, begun, result, send } = opened(20, 10);
  for (let at = 0; at < 200; at += 1) void send(`${at}`);
  await clock.passTo(0);
  // One begins at once, and sixty wait.
  expect([begun.length, result.refused]).toEqual([1, 139]);
});

test('a failed check gives its place back, and passes its error on', async () => {
  const { clock, limit } = opened(1_000, 0);
  const failure = new ProvisioningError('balena-unavailable', 'balena is down.');
  for (let at = 0; at < 200; at += 1) {
    const run = limit.run('a', () => Promise.reject(failure)).catch((error: unknown) => error);
    await clock.passTo((at + 1) * 10);
    expect(await run).toBe(failure);
  }
});
