import { createDice, type Dice } from './Dice.js';
import { drawFaults } from './drawFaults.js';
import type { Plan, PlannedDevice, PlannedEvent, Side, Victim, Wish } from './Plan.js';
import { services, unknownService } from './Plan.js';

export interface PlanOptions {
  seed: number;
  minutes: number;
  devices: number;
}

/** Requests per device, on average. The sum over all devices is limited too. */
const secondsBetweenAsks = 6;
const mostAsksPerSecond = 15;
const unknownDevices = 0.08;

/** Draws a whole run from a seed. */
export function makePlan({ seed, minutes, devices: count }: PlanOptions): Plan {
  const dice = createDice(seed);
  const lengthMs = Math.round(minutes * 60_000);
  const devices = Array.from({ length: count }, () => drawDevice(dice));
  const events = [
    ...asks(dice, devices, lengthMs),
    ...faults(dice, 'hub', lengthMs),
    ...faults(dice, 'balena', lengthMs),
    ...outages(dice, lengthMs),
  ];
  return { seed, lengthMs, devices, events: events.toSorted((a, b) => a.at - b.at) };
}

function drawDevice(dice: Dice): PlannedDevice {
  const uuid = Array.from({ length: 32 }, () => dice.between(0, 15).toString(16)).join('');
  return { uuid, exists: dice.chance() >= unknownDevices };
}

function asks(dice: Dice, devices: PlannedDevice[], lengthMs: number): PlannedEvent[] {
  const perSecond = Math.min(devices.length / secondsBetweenAsks, mostAsksPerSecond);
  return times(dice, lengthMs, [0, 2_000 / perSecond]).flatMap((at) => {
    const { uuid } = dice.pick(devices);
    const ask = (later: number, size = 1): PlannedEvent => ({
      at: at + later,
      kind: 'ask',
      wishes: Array.from({ length: size }, () => drawWish(dice, uuid)),
    });
    return dice.weighted<() => PlannedEvent[]>([
      [6, () => [ask(0)]],
      // A caller changes the request while a worker processes the first request, or while a call of the first run may still
      // take effect.
      [3, () => [ask(0), ask(dice.between(100, 4_000))]],
      // A burst: the order of arrival is unknown.
      [1, () => [ask(0, dice.between(2, 8))]],
    ])();
  });
}

function drawWish(dice: Dice, uuid: string): Wish {
  return dice.weighted<Wish>([
    [50, { uuid, operation: 'provision', service: 'main' }],
    [10, { uuid, operation: 'provision', service: '' }],
    [10, { uuid, operation: 'provision', service: services[0] ?? '' }],
    [5, { uuid, operation: 'provision', service: unknownService }],
    [25, { uuid, operation: 'deprovision' }],
  ]);
}

function faults(dice: Dice, side: Side, lengthMs: number): PlannedEvent[] {
  return times(dice, lengthMs, [3_000, 8_000]).flatMap((at) => [
    { at, kind: 'faults', side, faults: drawFaults(dice, side) },
    { at: at + dice.between(1_000, 4_000), kind: 'faults', side, faults: [] },
  ]);
}

function outages(dice: Dice, lengthMs: number): PlannedEvent[] {
  return times(dice, lengthMs, [2_500, 7_000]).map((at) => {
    const victim = dice.weighted<Victim>([
      [2, 'http'],
      [4, 'worker 1'],
      [3, 'worker 2'],
      [2, 'broker'],
      [1.5, 'tables'],
      [1.5, 'hub'],
      [1.5, 'balena'],
    ]);
    const kind = dice.weighted(waysOf(victim));
    if (kind === 'crash' || kind === 'hang') return { at, kind, victim };
    if (kind === 'drain')
      return { at, kind, victim, forMs: dice.between(100, 3_000), downMs: dice.between(100, 3_000) };
    if (kind === 'pause') return { at, kind, victim, forMs: dice.between(300, pauseMs(victim)) };
    return { at, kind, victim, downMs: dice.between(100, 3_000) };
  });
}

function waysOf(
  victim: Victim,
): [weight: number, kind: 'kill' | 'stop' | 'pause' | 'crash' | 'drain' | 'hang'][] {
  // Azurite writes its file only every few seconds. A kill would lose acknowledged writes.
  if (victim === 'tables')
    return [
      [1, 'stop'],
      [2, 'pause'],
    ];
  // A paused hub or balena would execute requests much later, and a real service does not.
  if (victim === 'hub' || victim === 'balena')
    return [
      [3, 'kill'],
      [1, 'stop'],
    ];
  const ways: ReturnType<typeof waysOf> = [
    [5, 'kill'],
    [2, 'stop'],
    [3, 'pause'],
  ];
  if (victim === 'broker') return ways;
  const withCrash: typeof ways = [...ways, [4, 'crash'], [3, 'drain']];
  // Only a trigger's work lasts long enough for a timeout.
  return victim === 'http' ? withCrash : [...withCrash, [3, 'hang']];
}

/** Sometimes a worker is paused for longer than a lease. */
function pauseMs(victim: Victim): number {
  return victim === 'worker 1' || victim === 'worker 2' ? 14_000 : 4_000;
}

/** Draws moments from start to end of a run, with evenly distributed gaps. */
function times(dice: Dice, lengthMs: number, [least, most]: [number, number]): number[] {
  const found: number[] = [];
  for (;;) {
    const at = (found.at(-1) ?? 0) + least + dice.chance() * (most - least);
    if (at >= lengthMs) return found;
    found.push(at);
  }
}
