import { type Lane, openCheckLimit } from '../../../../src/http/proof/checkLimit.js';
import { ProvisioningError } from '../../../../src/shared/errors.js';

/** A clock in virtual time, whose sleepers wake up in the order of their times. */
function virtualClock() {
  let now = 0;
  let sleeping: { until: number; wake: () => void }[] = [];
  return {
    now: () => now,
    sleep: (ms: number) => new Promise<void>((wake) => void sleeping.push({ until: now + ms, wake })),
    async passTo(time: number) {
      for (;;) {
        for (let turns = 0; turns < 20; turns += 1) await Promise.resolve();
        const [first] = sleeping.toSorted((a, b) => a.until - b.until);
        if (!first || first.until > time) break;
        now = Math.max(now, first.until);
        sleeping = sleeping.filter((each) => each !== first);
        first.wake();
      }
      now = time;
    },
  };
}

/** Sends checks that take `tookMs`, and returns the begin of each. */
function opened(perSecond: number, tookMs: number) {
  const clock = virtualClock();
  const limit = openCheckLimit({ clock, perSecond });
  const begun: { lane: Lane; at: number }[] = [];
  const result = { refused: 0, most: 0 };
  let running = 0;
  const send = async (lane: Lane) => {
    try {
      await limit.run(lane, async () => {
        begun.push({ lane, at: clock.now() });
        running += 1;
        result.most = Math.max(result.most, running);
        await clock.sleep(tookMs);
        running -= 1;
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
      sent.push(send('unknown'));
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

test('a flood of unknown proofs delays no known proof', async () => {
  const { clock, begun, send } = opened(20, 10);
  for (let at = 0; at < 5_000; at += 1) void send('unknown');
  await clock.passTo(1);
  void send('known');
  await clock.passTo(2);
  expect(begun.filter(({ lane }) => lane === 'known')).toEqual([{ lane: 'known', at: 1 }]);
});

test('an unused second is no credit for more than one second', async () => {
  const { clock, begun, send } = opened(20, 10);
  await clock.passTo(3_600_000);
  for (let at = 0; at < 50; at += 1) void send('unknown');
  await clock.passTo(3_600_000);
  expect(begun).toHaveLength(20);
});

test('a failed check gives its place back, and passes its error on', async () => {
  const { clock, limit } = opened(1_000, 0);
  const failure = new ProvisioningError('balena-unavailable', 'balena is down.');
  for (let at = 0; at < 200; at += 1) {
    const run = limit.run('unknown', () => Promise.reject(failure)).catch((error: unknown) => error);
    await clock.passTo((at + 1) * 10);
    expect(await run).toBe(failure);
  }
});
