import type { Process, World } from './createWorld.js';

/** The fate of a request to another system. */
export type Fate =
  /** The request takes effect, and the answer comes. */
  | { kind: 'answered' }
  /** The request has no effect. */
  | { kind: 'refused'; error: Error }
  /** The request takes effect after this time, or (null) never. The caller does not know. */
  | { kind: 'unknown'; error: Error; effectAfterMs: number | null };

/** The longest travel of a request: longer than the longest delay by a hub (40 s seen), shorter than the lease's grace. */
export const longestTravelMs = 50_000;

export interface Request<R> {
  fate: Fate;
  effect: () => R;
  /** The caller's time limit, and the error after the limit. */
  deadline?: { ms: number; error: () => Error };
  /** The process may pause before the call, after the last check of the time. Called after a pause. */
  afterPause?: () => void;
}

/**
 * One request, from the call to the answer. After the call the request takes effect even if the caller dies, and the caller can die
 * between the effect and the answer.
 */
export async function request<R>(
  world: World,
  process: Process,
  { fate, effect, deadline, afterPause }: Request<R>,
): Promise<R> {
  if (afterPause && !world.calm && world.chance(0.004)) {
    world.note('', process.name, 'pauses before a call');
    await world.step(process, world.now + world.int(1_000, 200_000));
    afterPause();
  }
  const calledAt = world.now;
  if (fate.kind === 'answered') {
    const result = await world.arrives(travelMs(world), effect);
    await world.step(process);
    // In a stalled process the timer runs out before the process reads the answer.
    if (deadline && !world.calm && world.now - calledAt > deadline.ms) throw deadline.error();
    return result;
  }
  if (fate.kind === 'unknown' && fate.effectAfterMs !== null)
    world.at(calledAt + fate.effectAfterMs, () => void effect());
  await world.step(process);
  throw fate.error;
}

function travelMs(world: World): number {
  return world.fails(0.02) && !world.calm ? world.int(0, longestTravelMs) : 1_000;
}
