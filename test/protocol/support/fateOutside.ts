import { type Dependency, ProvisioningError } from '../../../src/shared/errors.js';
import type { World } from './createWorld.js';
import { type Fate, longestTravelMs } from './request.js';

/** What the other side asks for when it throttles. */
export const throttledForMs = 20_000;

/** What becomes of a call to the hub or to balena. */
export function fateOutside(world: World, dependency: Dependency, write: boolean): Fate {
  const fail = (
    code: 'unavailable' | 'throttled' | 'unauthorized',
    options: { afterMs?: number; outcomeUnknown?: boolean } = {},
  ) =>
    new ProvisioningError(`${dependency}-${code}`, `${code} (fake)`, {
      ...(options.afterMs !== undefined && { retryAfterMs: options.afterMs }),
      dependency,
      outcomeUnknown: options.outcomeUnknown ?? false,
    });
  if (world.now < world.down[dependency]) return { kind: 'refused', error: fail('unavailable') };
  const luck = world.luck();
  if (luck < 0.025) return { kind: 'refused', error: fail('unavailable') };
  if (luck < 0.04) return { kind: 'refused', error: fail('throttled', { afterMs: throttledForMs }) };
  if (luck < 0.042) return { kind: 'refused', error: fail('unauthorized') };
  if (luck < 0.12 && !world.calm) {
    const error = luck < 0.08 ? timedOut(dependency, write) : fail('unavailable', { outcomeUnknown: write });
    const effectAfterMs =
      world.random() < 0.3 ? null : Math.floor(Math.sqrt(world.random()) * longestTravelMs);
    return { kind: 'unknown', error, effectAfterMs };
  }
  return { kind: 'answered' };
}

export function timedOut(dependency: Dependency, write: boolean): ProvisioningError {
  return new ProvisioningError('timed-out', `${dependency} did not answer in time (fake)`, {
    dependency,
    outcomeUnknown: write,
  });
}
