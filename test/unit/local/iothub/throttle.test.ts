import {
  type Clock,
  createThrottle,
  limits,
  registryLimits,
  unlimited,
} from '../../../../local/simulators/iothub/throttle.js';

/** A clock under the test's control. */
function handClock() {
  let now = 0;
  let timers: Array<{ at: number; run: () => void }> = [];
  const clock: Clock = {
    now: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
  };
  const pass = async (ms: number) => {
    const end = now + ms;
    for (;;) {
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      now = next.at;
      timers = timers.filter((each) => each !== next);
      next.run();
      await settle();
    }
    now = end;
    await settle();
  };
  return { clock, pass };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** The fates of calls: `passed`, `waiting`, or the hub's code. */
function watch(calls: Array<Promise<void>>): string[] {
  const fates = calls.map(() => 'waiting');
  calls.forEach((call, at) => {
    call.then(
      () => {
        fates[at] = 'passed';
      },
      (error) => {
        fates[at] = error.code;
      },
    );
  });
  return fates;
}

const many = (count: number, call: () => Promise<void>) => Array.from({ length: count }, call);
const count = (fates: string[]) => Object.groupBy(fates, (fate) => fate);
const counts = (fates: string[]) =>
  Object.fromEntries(Object.entries(count(fates)).map(([fate, all]) => [fate, all?.length]));

describe('the throttle', () => {
  it("lets a minute's worth pass, holds back the next, works that off at the rate, and refuses the rest", async () => {
    const { clock, pass } = handClock();
    const throttle = createThrottle(registryLimits({ tier: 'S1', units: 1 }), clock);
    const fates = watch(many(250, () => throttle.take()));
    await pass(0);
    expect(counts(fates)).toEqual({ passed: 100, waiting: 100, ThrottleBacklogLimitExceeded: 50 });
    await pass(6_000);
    expect(counts(fates)).toMatchObject({ passed: 110, waiting: 90 });
    await pass(34_000);
    expect(counts(fates)).toEqual({
      passed: 166,
      ThrottlingBacklogTimeout: 34,
      ThrottleBacklogLimitExceeded: 50,
    });
    expect(throttle.state()).toMatchObject({
      operations: 166,
      delayed: 100,
      waiting: 0,
      refused: { ThrottleBacklogLimitExceeded: 50, ThrottlingBacklogTimeout: 34 },
    });
  });

  it('says in its refusal how long to wait', async () => {
    const throttle = createThrottle({ ...limits(1), backlog: 0, waitSeconds: 7 }, handClock().clock);
    await throttle.take();
    await expect(throttle.take()).rejects.toMatchObject({
      status: 429,
      code: 'ThrottlingException',
      message: 'The request has been throttled. Wait 7 seconds and try again.',
    });
  });

  it('never holds back a caller that keeps to the rate', async () => {
    const { clock, pass } = handClock();
    const throttle = createThrottle({ ...limits(100), burst: 1 }, clock);
    for (let each = 0; each < 200; each += 1) {
      await throttle.take();
      await pass(600);
    }
    expect(throttle.state()).toMatchObject({ operations: 200, delayed: 0 });
  });

  it('counts every device of a bulk call, and lets one pass that is larger than a full bucket, which then owes the rest', async () => {
    const { clock, pass } = handClock();
    const throttle = createThrottle({ ...limits(200), burst: 10 }, clock);
    await throttle.take(100);
    const fates = watch([throttle.take()]);
    await pass(27_000);
    expect(fates).toEqual(['waiting']);
    await pass(1_000);
    expect(fates).toEqual(['passed']);
    expect(throttle.state().operations).toBe(101);
  });

  it('serves those who wait in the order in which they came', async () => {
    const { clock, pass } = handClock();
    const throttle = createThrottle({ ...limits(60), burst: 2 }, clock);
    await throttle.take(2);
    const fates = watch([throttle.take(2), throttle.take(1)]);
    await pass(1_500);
    expect(fates).toEqual(['waiting', 'waiting']);
    await pass(500);
    expect(fates).toEqual(['passed', 'waiting']);
    await pass(1_000);
    expect(fates).toEqual(['passed', 'passed']);
  });

  it('lets those who wait pass when its rate is raised', async () => {
    const { clock } = handClock();
    const throttle = createThrottle(limits(1), clock);
    await throttle.take();
    const waiting = throttle.take();
    throttle.set(unlimited);
    await waiting;
    await Promise.all(many(1000, () => throttle.take()));
    expect(throttle.state()).toMatchObject({ operations: 1002, delayed: 1 });
  });

  it('allows what the tiers allow', () => {
    expect(registryLimits({ tier: 'S2', units: 3 }).perMinute).toBe(300);
    expect(registryLimits({ tier: 'S3', units: 2 }).perMinute).toBe(10_000);
  });
});
