import { minter } from '../../src/certificates/mint.js';
import type { DeviceRequest } from '../../src/device/request.js';
import { pendingWork } from '../../src/device/state.js';
import type { Tier } from '../../src/iothub/quotas.js';
import type { Reservation } from '../../src/throttling/rateLimiter.js';
import { percentiles } from '../harness.js';
import { type CloudCall, failures } from '../virtual/cloud.js';
import { seedWaiting } from '../virtual/seed.js';
import { openVirtualSystem, type VirtualSystem, type VirtualSystemOptions } from '../virtual/system.js';

/** One row of the table. Times are in seconds of virtual time. */
export interface FairnessFigures {
  what: string;
  /** The devices whose waiting times follow. */
  devices: number;
  p50: number;
  p99: number;
  max: number;
  /** p50, p99 and max of the same devices without the others. */
  alone: string;
  /** Registry operations while devices waited, as a part of the hub's limit. */
  'rate used %': number;
  /** The most registry operations in a minute, as a part of the hub's limit. */
  'peak %': number;
  /** Operations that the hub's limit allowed while devices waited, and that nobody used. */
  unused: number;
  /** Requests to the partition of the shared rows, a second. */
  'shared rows, requests/s': number;
  'balena requests': number;
  messages: number;
  /** Messages sent and received a second, while devices waited: credits of Service Bus Standard, which has 1,000 a second. */
  'credits/s': number;
}

const seconds = 1_000;
const minutes = 60 * seconds;
const hours = 60 * minutes;
const uuid = (kind: string, i: number) => `${kind}${i.toString(16)}`.padStart(32, '0').slice(-32);
const small: VirtualSystemOptions = { tier: 'S1', units: 1, instances: 2 };

/** A set of devices, and the time of each request. */
interface Crowd {
  uuids: string[];
  /** The time of each request after the start, ms. */
  at: (i: number) => number;
  request?: (uuid: string) => DeviceRequest;
}

/** Registers devices with balena. */
function addDevices({ cloud }: VirtualSystem, kind: string, count: number, fleet: string): string[] {
  const uuids = Array.from({ length: count }, (_, i) => uuid(kind, i));
  for (const each of uuids) cloud.fleets.set(each, fleet);
  return uuids;
}

/** Sends the requests of a crowd at their times. */
function send(
  system: VirtualSystem,
  { uuids, at, request = (each) => ({ uuid: each, present: true, service: 'main' }) }: Crowd,
) {
  for (const [i, each] of uuids.entries())
    system.time.at(system.start + at(i), () => void system.request(request(each)));
}

/**
 * The seconds that a device has waited since a moment. If the device still waits, the planned end counts.
 *
 * @param from ms after the start
 */
async function waitedOf(system: VirtualSystem, each: string, from: number): Promise<number> {
  const { endedAt, start, time } = system;
  const ended = endedAt.get(each);
  if (ended !== undefined) return (ended - start - from) / seconds;
  const { deps } = system.instance();
  const work = pendingWork((await deps.records.read(each))?.value ?? { job: null, check: null });
  const { reservation } = work ?? {};
  const due = reservation === undefined ? (work?.due ?? 0) : await planned(system, reservation);
  return (Math.max(due, time.now()) - start - from) / seconds;
}

/** The planned moment of a reservation. Reading the shared row takes virtual time. */
async function planned(system: VirtualSystem, reservation: Reservation): Promise<number> {
  let due = 0;
  void system
    .instance()
    .deps.rateLimiter.due(reservation)
    .then((at) => {
      due = at;
    });
  await system.time.run(system.time.now() + seconds);
  return due;
}

async function waits(system: VirtualSystem, { uuids, at }: Crowd): Promise<number[]> {
  const all: number[] = [];
  for (const [i, each] of uuids.entries()) all.push(await waitedOf(system, each, at(i)));
  return all;
}

/** @param window the time in which devices waited, ms after the start */
function usage(
  { cloud, system, start, messages, counts, perMinute }: VirtualSystem,
  [from, to]: [number, number],
  { allowed = (perMinute() / minutes) * (to - from), creditsBefore = 0 } = {},
) {
  const used = cloud.operations.filter((at) => at >= start + from && at < start + to).length;
  const perMinuteMost = mostInAMinute(cloud.operations);
  return {
    'rate used %': Math.round((used / allowed) * 1_000) / 10,
    'peak %': Math.round((perMinuteMost / perMinute()) * 100),
    unused: Math.max(0, Math.round(allowed - used)),
    'shared rows, requests/s': Math.round((system.requests / (to / seconds)) * 10) / 10,
    'balena requests': cloud.requests,
    messages: messages.sent,
    'credits/s': Math.round((messages.sent + counts.deliveries - creditsBefore) / ((to - from) / seconds)),
  };
}

const creditsOf = ({ messages, counts }: VirtualSystem) => messages.sent + counts.deliveries;

function mostInAMinute(moments: readonly number[]): number {
  let most = 0;
  for (let first = 0, last = 0; last < moments.length; last += 1) {
    while ((moments[last] ?? 0) - (moments[first] ?? 0) >= minutes) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

const three = (values: number[]) => percentiles(values, 0.5, 0.99, 1) as [number, number, number];

function figures(
  what: string,
  waited: number[],
  alone: number[] | null,
  used: ReturnType<typeof usage>,
): FairnessFigures {
  const [p50, p99, max] = three(waited);
  const without = alone === null ? '' : three(alone).join(', ');
  return { what, devices: waited.length, p50, p99, max, alone: without, ...used };
}

/** Ten instances: what one instance gives back, the others cannot see. */
const many = { ...small, instances: 10 };

/** Honest devices, one every ten seconds, alone or beside others. @param disturb starts the others */
async function beside(
  what: string,
  disturb: (system: VirtualSystem) => void,
  options: VirtualSystemOptions = small,
): Promise<FairnessFigures> {
  const measure = async (system: VirtualSystem, others: (system: VirtualSystem) => void) => {
    const crowd = { uuids: addDevices(system, 'a', 60, 'honest'), at: (i: number) => i * 10 * seconds };
    others(system);
    send(system, crowd);
    const isDone = () => crowd.uuids.every((each) => system.endedAt.has(each));
    await system.time.run(system.start + 12 * hours, isDone);
    return waits(system, crowd);
  };
  const alone = await measure(openVirtualSystem({ ...options, aheadMs: () => 0 }), () => {});
  const system = openVirtualSystem(options);
  const waited = await measure(system, disturb);
  return figures(
    what,
    waited,
    alone,
    usage(system, [0, Math.max(10 * minutes, system.time.now() - system.start)]),
  );
}

const flood = () =>
  beside(
    'flood of 10,000 unknown UUIDs, 200 a second',
    (system) =>
      send(system, {
        uuids: Array.from({ length: 10_000 }, (_, i) => uuid('f', i)),
        at: (i) => 30 * seconds + i * 5,
      }),
    many,
  );

const wrongService = () =>
  beside(
    'fleet of 2,000 that names a wrong service',
    (system) =>
      send(system, {
        uuids: addDevices(system, 'b', 2_000, 'wrong'),
        at: (i) => 30 * seconds + i,
        request: (each) => ({ uuid: each, present: true, service: 'mian' }),
      }),
    many,
  );

const clockAhead = () =>
  beside('one of three clocks is 30 min ahead', () => {}, {
    ...small,
    instances: 3,
    aheadMs: (i) => (i === 1 ? 30 * minutes : 0),
  });

/** 100,000 devices wait. Devices at the head fail once; one device is deleted, and the certificate of another one is revoked. */
async function longLine(): Promise<FairnessFigures[]> {
  const system = openVirtualSystem(small);
  const { cloud, time, start, endedAt, mints } = system;
  const [stolen = '', leaked = ''] = addDevices(system, 'd', 2, 'one');
  const mint = minter();
  const pair = await mint(leaked, start);
  mints.set(leaked, [pair, await mint(leaked, start)]);
  for (const each of [stolen, leaked]) await system.request({ uuid: each, present: true, service: 'main' });
  await time.run(start + 10 * seconds);
  endedAt.clear();

  const uuids = addDevices(system, 'a', 100_000, 'one');
  await seedWaiting(system, uuids, 'one');
  const from = time.now() - start;
  const probes = { throttled: uuids[20], timedOut: uuids[40], unavailable: uuids[60] };
  const failedAt = new Map<string, number>();
  cloud.fault = async (each, call) => {
    const failure = failureOf(each, call);
    if (!failure || time.now() - start > from + failure.untilMs) return;
    await time.until(time.now() + failure.afterMs);
    failedAt.set(each, time.now() - start);
    throw failure.error();
  };
  // Each failure lasts longer than the tries of one run.
  function failureOf(each: string, call: CloudCall) {
    if (call === 'hub' && each === probes.throttled)
      return { error: failures.throttled, afterMs: 0, untilMs: 15 * seconds };
    if (call === 'hub' && each === probes.timedOut)
      return { error: failures.timedOut, afterMs: 10 * seconds, untilMs: 50 * seconds };
    if (call === 'store' && each === probes.unavailable)
      return { error: failures.unavailable, afterMs: 0, untilMs: 50 * seconds };
    return null;
  }
  const late = { delete: from + 60 * seconds, revoke: from + 90 * seconds };
  send(system, {
    uuids: [stolen],
    at: () => late.delete,
    request: (each) => ({ uuid: each, present: false }),
  });
  send(system, {
    uuids: [leaked],
    at: () => late.revoke,
    request: (each) => ({
      uuid: each,
      present: true,
      service: 'main',
      retire: pair.thumbprint,
      revoke: true,
    }),
  });
  const creditsBefore = creditsOf(system);
  await time.run(start + from + 20 * minutes);
  const used = usage(system, [from, from + 20 * minutes], { creditsBefore });
  const row = async (what: string, each: string, since: number) =>
    figures(`100,000 wait: ${what}`, [await waitedOf(system, each, since)], null, used);
  const sinceFailure = (each = '') => failedAt.get(each) ?? from;
  return [
    await row('one 429, until it is provisioned', probes.throttled ?? '', sinceFailure(probes.throttled)),
    await row('one timeout', probes.timedOut ?? '', sinceFailure(probes.timedOut)),
    await row(
      'one balena 503 while it is stored',
      probes.unavailable ?? '',
      sinceFailure(probes.unavailable),
    ),
    await row('one DELETE', stolen, late.delete),
    await row('one revocation', leaked, late.revoke),
  ];
}

/** 3,000 devices wait. The units are raised from 1 to 10 after five minutes, and 100 more devices come a minute later. */
async function moreUnits(): Promise<FairnessFigures[]> {
  const system = openVirtualSystem(small);
  const raisedAt = 5 * minutes;
  const first = { uuids: addDevices(system, 'a', 3_000, 'one'), at: (i: number) => i };
  const newcomers = { uuids: addDevices(system, 'b', 100, 'one'), at: () => raisedAt + minutes };
  send(system, first);
  send(system, newcomers);
  system.time.at(system.start + raisedAt, () => system.deploy(10));
  const all = [...first.uuids, ...newcomers.uuids];
  await system.time.run(system.start + 2 * hours, () => all.every((each) => system.endedAt.has(each)));
  // 2,500 devices wait when the units are raised: two and a half minutes at the new rate.
  const used = usage(system, [raisedAt, raisedAt + 2.5 * minutes]);
  return [
    figures('units x 10 after 5 min: 3,000 that waited', await waits(system, first), null, used),
    figures('units x 10 after 5 min: 100 newcomers at 6 min', await waits(system, newcomers), null, used),
  ];
}

/** 10,000 devices of one fleet wait when ten of another one come. */
async function twoFleets(): Promise<FairnessFigures> {
  const system = openVirtualSystem(small);
  await seedWaiting(system, addDevices(system, 'a', 10_000, 'large'), 'large');
  const from = system.time.now() - system.start;
  const ten = { uuids: addDevices(system, 'b', 10, 'small'), at: (i: number) => from + minutes + i * 100 };
  send(system, ten);
  await system.time.run(system.start + from + 15 * minutes);
  const used = usage(system, [from, from + 15 * minutes]);
  return figures('fleets of 10,000 and of 10: the ten', await waits(system, ten), null, used);
}

/** 100,000 devices wait at ten units: the looks at the line. */
async function manyLooks(): Promise<FairnessFigures> {
  const system = openVirtualSystem({ ...many, units: 10 });
  const uuids = addDevices(system, 'a', 100_000, 'one');
  await seedWaiting(system, uuids, 'one');
  const [from, creditsBefore] = [system.time.now() - system.start, creditsOf(system)];
  await system.time.run(system.start + from + 20 * minutes);
  const crowd = { uuids: uuids.filter((each) => system.endedAt.has(each)), at: () => from };
  const used = usage(system, [from, from + 20 * minutes], { creditsBefore });
  return figures('100,000 wait at S1 x 10: the first 20 min', await waits(system, crowd), null, used);
}

/** 1,000 devices boot within a second. @param instances of the worker */
async function boot(units: number, instances: number): Promise<FairnessFigures> {
  const system = openVirtualSystem({ ...small, units, instances });
  const crowd = { uuids: addDevices(system, 'a', 1_000, 'one'), at: (i: number) => i };
  send(system, crowd);
  await system.time.run(system.start + 12 * minutes, () => system.endedAt.size === 1_000);
  const end = system.time.now() - system.start;
  const who = instances === small.instances ? '' : `, ${instances} instance${instances > 1 ? 's' : ''}`;
  const what = `1,000 boot at S1 x ${units}${who}`;
  return figures(what, await waits(system, crowd), null, usage(system, [2 * seconds, end]));
}

/** Everybody requests in the first second. The waiting times are those until the end of the measurement. */
async function instancesOf(
  tier: Tier,
  units: number,
  instances: number,
  ms: number,
): Promise<FairnessFigures> {
  const system = openVirtualSystem({ tier, units, instances });
  const count = Math.ceil((system.perMinute() / minutes) * ms * 1.5);
  const crowd = { uuids: addDevices(system, 'a', count, 'one'), at: (i: number) => (i / count) * seconds };
  send(system, crowd);
  await system.time.run(system.start + ms);
  const waited = crowd.uuids.flatMap((each, i) => {
    const ended = system.endedAt.get(each);
    return ended === undefined ? [] : [(ended - system.start - crowd.at(i)) / seconds];
  });
  const what = `${tier} x ${units}, ${instances} instance${instances > 1 ? 's' : ''}`;
  return figures(what, waited, null, usage(system, [2 * seconds, ms]));
}

/**
 * The fairness of the line for registry operations: the product's own code in virtual time.
 *
 * @param progress gets the name of each part
 * @param isWanted says which parts to measure; default: all
 */
export async function fairness(
  progress: (what: string) => void,
  isWanted: (name: string) => boolean = () => true,
): Promise<FairnessFigures[]> {
  const parts: [string, () => Promise<FairnessFigures | FairnessFigures[]>][] = [
    ['flood', flood],
    ['wrong service', wrongService],
    ['long line', longLine],
    ['more units', moreUnits],
    ['two fleets', twoFleets],
    ['clock ahead', clockAhead],
    ['many looks', manyLooks],
    ['boot', () => boot(1, small.instances)],
    ['boot, 1', () => boot(10, 1)],
    ['boot, 4', () => boot(10, 4)],
    ...[1, 10, 50, 200]
      .flatMap((instances) => [
        [`S1 x 1, ${instances}`, () => instancesOf('S1', 1, instances, 3 * minutes)] as const,
        [`S3 x 1, ${instances}`, () => instancesOf('S3', 1, instances, 60 * seconds)] as const,
        [`S3 x 10, ${instances}`, () => instancesOf('S3', 10, instances, 20 * seconds)] as const,
      ])
      .map(([name, run]): [string, () => Promise<FairnessFigures>] => [name, run]),
  ];
  const rows: FairnessFigures[] = [];
  for (const [name, run] of parts) {
    if (!isWanted(name)) continue;
    progress(name);
    rows.push(...[await run()].flat());
  }
  return rows;
}
