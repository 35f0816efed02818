import { failures } from '../../bench/virtual/cloud.js';
import { seedWaiting } from '../../bench/virtual/seed.js';
import { openVirtualSystem, type VirtualSystem } from '../../bench/virtual/system.js';
import type { RateLimiter } from '../../src/throttling/rateLimiter.js';

/*
 * What happens when one of the rules of the line (docs/protocol.md, "Rate limiter") is switched off. The random search has too few devices for
 * the line, so the product's own code runs here with some hundred devices in virtual time.
 */

const seconds = 1_000;
const minutes = 60 * seconds;
type Off = (rateLimiter: RateLimiter) => RateLimiter;

/** 600 devices of one fleet wait at 100 operations a minute. */
async function crowd(change: Off | undefined, units = 1): Promise<VirtualSystem> {
  const system = openVirtualSystem({ tier: 'S1', units, instances: 2, ...(change && { change }) });
  await seedWaiting(system, uuidsOf(system, 'a', 600, 'large'), 'large');
  return system;
}

function uuidsOf({ cloud }: VirtualSystem, kind: string, count: number, fleet: string): string[] {
  const uuids = Array.from({ length: count }, (_, i) => `${kind}${i.toString(16)}`.padStart(32, '0'));
  for (const each of uuids) cloud.fleets.set(each, fleet);
  return uuids;
}

/** The seconds until all devices are done; 600 at most. */
async function secondsUntilDone({ time, endedAt }: VirtualSystem, uuids: readonly string[]): Promise<number> {
  const from = time.now();
  await time.run(from + 10 * minutes, () => uuids.every((each) => endedAt.has(each)));
  return (time.now() - from) / seconds;
}

/** Ten devices of another fleet come last. */
async function smallFleet(change?: Off): Promise<number> {
  const system = await crowd(change);
  const ten = uuidsOf(system, 'b', 10, 'small');
  for (const uuid of ten) void system.request({ uuid, present: true, service: 'main' });
  return secondsUntilDone(system, ten);
}

/** An operator removes a stolen device. */
async function removal(change?: Off): Promise<number> {
  const system = await crowd(change);
  void system.request({ uuid: 'c'.repeat(32), present: false });
  return secondsUntilDone(system, ['c'.repeat(32)]);
}

/** balena fails for a minute while the first device that waits is stored. The device has used its operation. */
async function failedOnce(change?: Off): Promise<number> {
  const system = await crowd(change);
  const [first = ''] = uuidsOf(system, 'a', 1, 'large');
  const until = system.time.now() + 30 * seconds;
  system.cloud.fault = async (uuid, call) => {
    if (uuid === first && call === 'store' && system.time.now() < until) throw failures.unavailable();
  };
  return secondsUntilDone(system, [first]);
}

/** The units are raised to ten. The devices wait in the queue, and look again. */
async function moreUnits(change?: Off): Promise<number> {
  const system = await crowd(change);
  system.deploy(10);
  return secondsUntilDone(system, uuidsOf(system, 'a', 600, 'large'));
}

/** The hub refuses one operation with a 429, and wants a wait of 10 s. @returns the operations that begin within the wait */
async function throttled(change?: Off): Promise<number> {
  const system = await crowd(change, 10);
  const { cloud, time } = system;
  let refusedAt = 0;
  cloud.fault = async (_, call) => {
    if (call !== 'hub' || refusedAt > 0) return;
    refusedAt = time.now();
    throw failures.throttled();
  };
  await time.run(time.now() + 20 * seconds);
  const [from, to] = [refusedAt + 2 * seconds, refusedAt + 10 * seconds];
  return cloud.operations.filter((at) => at > from && at < to).length;
}

/** Each run needs a second operation. @returns the operations in two minutes, where 200 are allowed */
async function charged(change?: Off): Promise<number> {
  const system = await crowd(change);
  const { cloud, time, instance } = system;
  const { hub } = instance().deps;
  const { create } = hub;
  hub.create = async (...args) => {
    cloud.operations.push(time.now());
    instance().deps.rateLimiter.charge();
    return create(...args);
  };
  const from = time.now();
  await time.run(from + 2 * minutes);
  return cloud.operations.filter((at) => at > from).length;
}

interface LineRule {
  rule: string;
  measure: (change?: Off) => Promise<number>;
  off: Off;
  /** The most with the rule. */
  on: number;
  /** The least without the rule. */
  without: number;
}

const changed =
  (more: (rateLimiter: RateLimiter) => Partial<RateLimiter>): Off =>
  (rateLimiter) => ({ ...rateLimiter, ...more(rateLimiter) });

const rules: LineRule[] = [
  {
    rule: 'fleets share the rate: a small fleet does not wait for a large one',
    measure: smallFleet,
    off: changed(({ reserve }) => ({
      reserve: ({ isUrgent = false } = {}) => reserve({ fleet: 'large', isUrgent }),
    })),
    on: 25,
    without: 300,
  },
  {
    rule: 'a deprovisioning goes first',
    measure: removal,
    off: changed(({ reserve }) => ({ reserve: () => reserve({ fleet: 'large' }) })),
    on: 5,
    without: 300,
  },
  {
    rule: 'work keeps its place after a failure',
    measure: failedOnce,
    off: changed(({ reserve, waitFor }) => {
      const later = new Map<string, ReturnType<RateLimiter['reserve']>>();
      const seen = new Set<string>();
      return {
        // The work of a run that has used its turn takes a new place.
        async waitFor(reservation) {
          const id = `${reservation.lane}/${reservation.turn}`;
          if (!seen.has(id)) {
            const at = await waitFor(reservation);
            if (at === null) seen.add(id);
            return at;
          }
          later.set(id, later.get(id) ?? reserve({ fleet: 'large' }));
          return waitFor(await later.get(id)!);
        },
      };
    }),
    on: 60,
    // Without its place, the device is last, until it uses the turn of another one.
    without: 100,
  },
  {
    rule: 'a device that waits in the queue looks again',
    measure: moreUnits,
    off: changed(({ due, waitFor }) => ({
      wakeAt: due,
      waitFor: async (reservation) => ((await waitFor(reservation)) === null ? null : due(reservation)),
    })),
    on: 200,
    without: 300,
  },
  {
    rule: 'no operation begins until the hub allows it',
    measure: throttled,
    off: changed(() => ({ delayAll: async () => {} })),
    on: 0,
    without: 40,
  },
  {
    rule: 'further operations are counted, and the line moves back',
    measure: charged,
    off: changed(() => ({ charge() {} })),
    on: 215,
    without: 300,
  },
];

test.each(rules)('$rule', async ({ measure, off, on, without }) => {
  expect(await measure()).toBeLessThanOrEqual(on);
  expect(await measure(off)).toBeGreaterThanOrEqual(without);
});
