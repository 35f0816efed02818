import type { EpochMs } from '../shared/time.js';
import type { Claim, Reservation } from './rateLimiter.js';

/*
 * The line of devices that wait for an operation (docs/protocol.md, "Rate limiter"): pure functions over the shared row. Places are
 * counted in operations, and not in milliseconds.
 */

/** A range of turns. The ranges of a list are in rising order. */
type Range = [first: number, last: number];

/** The places of one fleet, or the urgent places of one fleet. */
export interface Lane {
  /** The highest turn that was given out. */
  issued: number;
  /** Every turn up to this one may be used. */
  released: number;
  /** Turns that were given back before their release. New claims get them first. */
  returned: Range[];
  /** Turns of devices that used another turn. Nobody gets them: the devices behind have waited longer than a newcomer. */
  served: Range[];
  /** The stride scheduler's progress: the lane with the least progress is served next. */
  progress: number;
}

/** The shared row. */
export interface RateLimiterRow {
  /** Operations were handed out up to this moment. The moment lies in the future while the hub throttles. */
  at: EpochMs;
  /** Operations that are free at once; below 0, operations that were borrowed. */
  spare: number;
  /** Turns that were released, and not used yet. */
  open: number;
  /** The lanes in which somebody waits. */
  lanes: Record<string, Lane>;
  /** No lane has given out a higher turn. */
  top: number;
}

/** The rate, and the limits that follow from the rate, in operations. */
export interface Rate {
  perMs: number;
  /** The most operations that are handed out at once after a pause. */
  burst: number;
  /** The most turns that may be released without being used. Above, the line stands still. */
  mostOpen: number;
  /** With more unused turns than this, devices that are there may use them. */
  manyOpen: number;
  /** The most operations that urgent work may borrow. */
  mostBorrowed: number;
}

export const initialRow: RateLimiterRow = { at: 0, spare: 0, open: 0, lanes: {}, top: 0 };

const burstMs = 250;
const openMs = 10_000;
const manyOpenMs = 2_500;
const borrowedMs = 5_000;
/** All urgent lanes together get this many operations for each operation of another lane. */
const urgentWeight = 8;
/** A row of 64 lanes is below 10 KB. Further fleets share one lane. */
const mostLanes = 64;
/** Of all lanes together: 6 KB. The table takes 64 KB. */
const mostRanges = 200;
/** A hub never asks for a longer wait. A moment beyond was written by a process with a wrong clock. */
const longestPauseMs = 15 * 60_000;

/** The limits for a rate of operations. @param perMinute operations a minute */
export function rateOf(perMinute: number): Rate {
  const perMs = perMinute / 60_000;
  return {
    perMs,
    burst: Math.max(1, burstMs * perMs),
    mostOpen: Math.max(8, Math.ceil(openMs * perMs)),
    manyOpen: Math.max(4, Math.ceil(manyOpenMs * perMs)),
    mostBorrowed: Math.max(2, borrowedMs * perMs),
  };
}

const urgentMark = '!';
/** The lane of the fleets beyond the limit, and of known devices without a known fleet. No slug of a fleet has this form. */
const sharedLane = '+';
/** The lane of devices that anybody may have invented. */
const inventedLane = '';

/** The weight of each urgent lane; every other lane has 1. Urgent lanes of many fleets are no weaker than other lanes, and not much stronger. */
function urgentWeightIn(names: string[]): number {
  const urgent = names.filter((name) => name.startsWith(urgentMark)).length;
  return Math.max(1, urgentWeight / Math.max(1, urgent));
}
const lengthOf = ([first, last]: Range) => last - first + 1;
const unusedIn = ({ returned, served }: Pick<Lane, 'returned' | 'served'>) => [...returned, ...served];
const waitingIn = (lane: Lane) =>
  unusedIn(lane).reduce((waiting, range) => waiting - lengthOf(range), lane.issued - lane.released);

/** The lane of a claim, as long as there are not too many lanes. */
export function ownLaneOf({ fleet, isKnown, isUrgent }: Claim): string {
  return `${isUrgent ? urgentMark : ''}${fleet ?? (isKnown ? sharedLane : inventedLane)}`;
}

/** The lane of a claim. A fleet without a lane of its own never shares the lane of devices that anybody may have invented. */
export function laneOf({ lanes }: RateLimiterRow, claim: Claim): string {
  const name = ownLaneOf(claim);
  const isFull = !(name in lanes) && Object.keys(lanes).length >= mostLanes;
  if (!isFull || name === inventedLane) return name;
  return claim.isUrgent ? urgentMark : sharedLane;
}

/** Whether the claim of work has a better lane than the one in which the work has a place. */
export function deservesBetter(claim: Claim, { lane }: Reservation): boolean {
  if (claim.isUrgent) return !lane.startsWith(urgentMark);
  return lane === inventedLane && ownLaneOf(claim) !== inventedLane;
}

/** Hands out the operations since the last change: to the lanes by turns, as long as their devices use them. */
export function advance(row: RateLimiterRow, rate: Rate, now: EpochMs): void {
  if (row.at > now + longestPauseMs) row.at = now;
  // A process of version 0.1 may have written the lane: without `served`, or with the turns of served devices released.
  for (const [name, lane] of Object.entries(row.lanes)) {
    lane.served ??= [];
    skipUnused(lane);
    if (waitingIn(lane) <= 0) delete row.lanes[name];
  }
  // A new row begins with one free operation. Its turns are above those of a row that was lost.
  if (row.at === 0) Object.assign(row, { at: now, spare: 1, top: Math.max(row.top, Math.floor(now)) });
  if (now > row.at) {
    row.spare += (now - row.at) * rate.perMs;
    row.at = now;
  }
  const urgent = urgentWeightIn(Object.keys(row.lanes));
  for (let lane = nextLane(row); lane && row.spare >= 1 && row.open < rate.mostOpen; lane = nextLane(row)) {
    const [name, place] = lane;
    row.spare -= 1;
    row.open += 1;
    place.released += 1;
    place.progress += name.startsWith(urgentMark) ? 1 / urgent : 1;
    skipUnused(place);
    if (waitingIn(place) <= 0) delete row.lanes[name];
  }
  row.spare = Math.min(row.spare, rate.burst);
}

/** Turns that nobody uses cost nothing: the devices behind them move up. */
function skipUnused(lane: Lane): void {
  let before: number;
  do {
    before = unusedIn(lane).length;
    for (const ranges of [lane.returned, lane.served]) {
      if (ranges[0] && ranges[0][0] <= lane.released + 1)
        lane.released = Math.max(lane.released, ranges.shift()![1]);
      if (ranges.at(-1)?.[1] === lane.issued) lane.issued = ranges.pop()![0] - 1;
    }
  } while (unusedIn(lane).length < before);
}

function nextLane({ lanes }: RateLimiterRow): [string, Lane] | undefined {
  let least: [string, Lane] | undefined;
  for (const entry of Object.entries(lanes))
    if (!least || entry[1].progress < least[1].progress) least = entry;
  return least;
}

/** Whether the hub has asked for a wait that is not over. */
const isPaused = ({ at }: RateLimiterRow, now: EpochMs) => at > now;

/**
 * Takes one operation for a device that is there, if one is free, may be borrowed, or is not used by others.
 *
 * @param manyOpen more unused turns than this are used by the device
 * @returns false if none is
 */
export function takeNow(
  row: RateLimiterRow,
  rate: Rate,
  now: EpochMs,
  claim: Claim,
  manyOpen = rate.manyOpen,
): boolean {
  if (isPaused(row, now)) return false;
  if (row.open > manyOpen) {
    row.open -= 1;
    return true;
  }
  const mayBorrow = claim.isUrgent && !(laneOf(row, claim) in row.lanes);
  const isFree = row.spare >= 1 && Object.keys(row.lanes).length === 0;
  if (!isFree && !(mayBorrow && row.spare - 1 >= -rate.mostBorrowed)) return false;
  row.spare -= 1;
  return true;
}

/**
 * Takes one operation for a turn that was released before: its device is late, or needs another operation. The operation of the turn may
 * have gone to another device.
 *
 * @returns false if too many operations are borrowed
 */
export function takeForKept(row: RateLimiterRow, rate: Rate, now: EpochMs): boolean {
  if (isPaused(row, now)) return false;
  if (row.open >= 1) row.open -= 1;
  else if (row.spare - 1 >= -rate.mostBorrowed) row.spare -= 1;
  else return false;
  return true;
}

/** Whether the turn was released so long ago that its operation may have gone to another device. */
export function isKept({ lanes, top }: RateLimiterRow, rate: Rate, { lane, turn }: Reservation): boolean {
  return turn > 0 && turn <= (lanes[lane]?.released ?? top) - rate.manyOpen;
}

/** The moment at which a kept turn should try again, if too many operations are borrowed. */
export function keptDue({ spare }: RateLimiterRow, rate: Rate, now: EpochMs): EpochMs {
  return Math.ceil(now + Math.max(1_000, (1 - spare - rate.mostBorrowed) / rate.perMs));
}

/** Takes an operation: at once if possible, otherwise the last turn of the claim's lane. */
export function take(row: RateLimiterRow, rate: Rate, now: EpochMs, claim: Claim): Reservation {
  const name = laneOf(row, claim);
  // Devices that wait already use the turns of others first.
  if (takeNow(row, rate, now, claim, 0.8 * rate.mostOpen)) return { lane: name, turn: 0 };
  const lane = row.lanes[name] ?? newLane(row);
  row.lanes[name] = lane;
  const [range] = lane.returned;
  if (range) {
    const turn = range[0];
    range[0] += 1;
    if (range[0] > range[1]) lane.returned.shift();
    return { lane: name, turn };
  }
  lane.issued += 1;
  row.top = Math.max(row.top, lane.issued);
  return { lane: name, turn: lane.issued };
}

/** Whether a further operation can be taken in advance, without delay for others. */
export function canTakeAhead(row: RateLimiterRow, rate: Rate, now: EpochMs, claim: Claim): boolean {
  if (laneOf(row, claim) in row.lanes) return true;
  return !isPaused(row, now) && row.spare >= Math.max(2, rate.burst / 2);
}

function newLane({ lanes, top }: RateLimiterRow): Lane {
  const progress = Math.min(...Object.values(lanes).map((lane) => lane.progress));
  return {
    issued: top,
    released: top,
    returned: [],
    served: [],
    progress: Number.isFinite(progress) ? progress : 0,
  };
}

/** Gives an operation back. @param list `served` if the device of the turn uses another operation */
export function giveBack(
  row: RateLimiterRow,
  { lane: name, turn }: Reservation,
  list: 'returned' | 'served' = 'returned',
): void {
  const lane = row.lanes[name];
  if (turn === 0) row.spare += 1;
  else if (!lane || turn <= lane.released) {
    row.spare += 1;
    row.open = Math.max(0, row.open - 1);
  } else if (isWaitedFor(lane, turn)) {
    const all = Object.values(row.lanes).reduce((sum, each) => sum + unusedIn(each).length, 0);
    lane[list] = withTurn(lane[list], turn, mostRanges - all + lane[list].length);
    skipUnused(lane);
  }
  if (lane && waitingIn(lane) <= 0) delete row.lanes[name];
}

/** Whether the line still counts the turn. A device that used another turn keeps its own turn in the record, and may give the turn back again. */
function isWaitedFor(lane: Lane, turn: number): boolean {
  return turn <= lane.issued && !unusedIn(lane).some(([first, last]) => first <= turn && turn <= last);
}

/**
 * Adds a turn to the ranges. A turn beyond the limit stays unused, until a device that is there takes the turn.
 *
 * @param most the most ranges of the list
 */
function withTurn(ranges: Range[], turn: number, most: number): Range[] {
  const joined: Range[] = [];
  for (const [first, last] of [...ranges, [turn, turn] as Range].sort(([a], [b]) => a - b)) {
    const before = joined.at(-1);
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined.length <= Math.max(most, ranges.length) ? joined : ranges;
}

/** Counts used turns. More used than released turns are borrowed. */
export function countUsed(row: RateLimiterRow, used: number): void {
  const open = row.open - used;
  row.open = Math.max(0, open);
  row.spare += Math.min(0, open);
}

/** Counts operations without a reservation. */
export function countCharged(row: RateLimiterRow, charged: number, rate: Rate): void {
  row.spare = Math.max(row.spare - charged, Math.min(row.spare, -rate.mostOpen));
}

/** Lets no operation begin for `ms`. Several workers meet the same throttling, so the waits do not add up. */
export function pause(row: RateLimiterRow, now: EpochMs, ms: number): void {
  row.at = Math.max(row.at, now + Math.min(ms, longestPauseMs));
}

/** Whether the turn may be used. All turns of an empty lane are released. A turn above `top` is newer than the row. */
export function isReleased({ lanes, top }: RateLimiterRow, { lane, turn }: Reservation): boolean {
  return turn <= (lanes[lane]?.released ?? top);
}

/** The expected moment of a reservation. @param row the row after `advance` */
export function dueOf(row: RateLimiterRow, rate: Rate, now: EpochMs, reservation: Reservation): EpochMs {
  const begin = Math.max(row.at, now);
  if (isReleased(row, reservation)) return begin;
  const { lane: name, turn } = reservation;
  const lane = row.lanes[name] ?? newLane(row);
  const before = waitingIn({
    ...lane,
    issued: turn,
    returned: lane.returned.filter(([, last]) => last < turn),
    served: lane.served.filter(([, last]) => last < turn),
  });
  const operations = operationsUntil(row, name, Math.max(1, before));
  return Math.ceil(begin + Math.max(1, (operations - row.spare) / rate.perMs));
}

/** The expected moment of a new reservation. @param row the row after `advance` */
export function nextFreeOf(row: RateLimiterRow, rate: Rate, now: EpochMs, claim: Claim): EpochMs {
  const copy = structuredClone(row);
  return dueOf(copy, rate, now, take(copy, rate, now, claim));
}

/** The number of turns that are not released yet. */
export function waitingOf({ lanes }: RateLimiterRow): number {
  return Object.values(lanes).reduce((sum, lane) => sum + waitingIn(lane), 0);
}

/**
 * The number of operations until a lane has served some of its turns. The lanes share the operations by their weights, and a lane that is
 * empty leaves its share to the others.
 */
function operationsUntil({ lanes }: RateLimiterRow, name: string, turns: number): number {
  let others = Object.entries(lanes)
    .filter(([other]) => other !== name)
    .map(([other, lane]) => ({ name: other, waiting: waitingIn(lane) }));
  let operations = 0;
  let left = turns;
  while (true) {
    const urgent = urgentWeightIn([name, ...others.map((other) => other.name)]);
    const weightOf = (lane: string) => (lane.startsWith(urgentMark) ? urgent : 1);
    const weight = weightOf(name);
    const total = others.reduce((sum, other) => sum + weightOf(other.name), weight);
    const rounds = Math.min(left / weight, ...others.map((other) => other.waiting / weightOf(other.name)));
    operations += rounds * total;
    left -= rounds * weight;
    if (left <= 1e-9) return operations;
    others = others
      .map((other) => ({ ...other, waiting: other.waiting - rounds * weightOf(other.name) }))
      .filter(({ waiting }) => waiting > 1e-9);
  }
}
