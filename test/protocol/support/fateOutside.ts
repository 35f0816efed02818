import { type Dependency, ProvisioningError } from '../../../src/shared/errors.js';
import type { System } from './createSystem.js';
import { uuids } from './devices.js';
import { type Fate, longestTravelMs } from './request.js';

/** The Retry-After of a throttled call. */
export const throttledForMs = 20_000;

/** The fate of a call to the hub or to balena for one device. */
export function fateOutside(system: System, dependency: Dependency, write: boolean, uuid: string): Fate {
  const { world, sick, cloud } = system;
  const fail = (
    code: 'unavailable' | 'throttled' | 'unauthorized' | 'rejected',
    options: { afterMs?: number; outcomeUnknown?: boolean } = {},
  ) =>
    new ProvisioningError(`${dependency}-${code}`, `${code} (fake)`, {
      ...(options.afterMs !== undefined && { retryAfterMs: options.afterMs }),
      dependency,
      outcomeUnknown: options.outcomeUnknown ?? false,
    });
  if (world.now < world.down[dependency]) return { kind: 'refused', error: fail('unavailable') };
  if (sick?.dependency === dependency && uuids[sick.device] === uuid && (write || sick.reads))
    return { kind: 'refused', error: fail(sick.how) };
  const luck = world.luck();
  if (luck < 0.025) return { kind: 'refused', error: fail('unavailable') };
  if (luck < 0.04) return { kind: 'refused', error: fail('throttled', { afterMs: throttledForMs }) };
  if (luck < 0.042) return { kind: 'refused', error: fail('unauthorized') };
  if (luck < 0.12 && !world.calm) {
    cloud.device(uuid).trouble += 1;
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
