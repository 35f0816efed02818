import { type Dependency, type ErrorCode, ProvisioningError } from '../../../src/shared/errors.js';
import type { System } from './createSystem.js';
import { uuids } from './devices.js';
import { type Fate, longestTravelMs } from './request.js';

/** The Retry-After of a throttled call. */
export const throttledForMs = 20_000;

/** The fate of a call to the hub or to balena for one device. */
export function fateOutside(system: System, dependency: Dependency, write: boolean, uuid: string): Fate {
  const fate = draw(system, dependency, write, uuid);
  if (fate.kind !== 'answered') system.failures[dependency].devices.add(uuid);
  return fate;
}

/** The fate of a ping in the run of a device. A fault of one device does not hit a ping. */
export function fateOfPing(system: System, dependency: Dependency, uuid: string): Fate {
  const fate = draw({ ...system, sick: null }, dependency, false, uuid);
  // A dependency that throttles answers.
  const answers = fate.kind === 'answered' || ProvisioningError.from(fate.error).code.endsWith('-throttled');
  if (answers) system.answeredPings.add(uuid);
  else system.failures[dependency].pings += 1;
  return fate;
}

function draw(
  { world, sick, cloud }: Pick<System, 'world' | 'sick' | 'cloud'>,
  dependency: Dependency,
  write: boolean,
  uuid: string,
): Fate {
  const fail = (
    code: 'unavailable' | 'throttled' | 'unauthorized' | 'rejected' | 'write-refused',
    options: { afterMs?: number; outcomeUnknown?: boolean } = {},
  ) => {
    // A failure may be the device's own. A throttled call is nobody's.
    if (code === 'unavailable' || code === 'write-refused') cloud.device(uuid).trouble += 1;
    return createError(code, options);
  };
  const createError = (code: string, options: { afterMs?: number; outcomeUnknown?: boolean }) =>
    new ProvisioningError(`${dependency}-${code}` as ErrorCode, `${code} (fake)`, {
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
  // balena refuses a write for other reasons than a read.
  const refusal = dependency === 'balena' && write ? 'write-refused' : 'unauthorized';
  if (luck < 0.042) return { kind: 'refused', error: fail(refusal) };
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

export function pingTimedOut(system: System, dependency: Dependency): ProvisioningError {
  system.failures[dependency].pings += 1;
  return timedOut(dependency, false);
}
