import type { Process, World } from './createWorld.js';

/** What becomes of a request to a system outside. */
export type Fate =
  /** It has its effect, and the answer comes. */
  | { kind: 'answered' }
  /** It has no effect. */
  | { kind: 'refused'; error: Error }
  /** It has its effect after this time, or (null) never; nobody knows. */
  | { kind: 'unknown'; error: Error; effectAfterMs: number | null };

/** How long a request is under way: longer than a hub that delays calls was seen to hold one (40 s), shorter than the lease's grace. */
export const longestTravelMs = 50_000;

export interface Request<R> {
  fate: Fate;
  effect: () => R;
  /** How long the caller waits for the answer, and the error that it makes of that. */
  deadline?: { ms: number; error: () => Error };
  /** The process may pause before the call, after its last check of the time. Told after such a pause. */
  afterPause?: () => void;
}

/**
 * One request, from its call to its answer. From its call on it is the network's: it has its effect though the caller dies,
 * and between its effect and its answer the caller can die.
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
    // A process that stalls finds its timer run out before it reads the answer.
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
