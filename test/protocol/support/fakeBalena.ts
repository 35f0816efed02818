import type { BalenaClient, ScopedVariables, Variable } from '../../../src/balena/types.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { thumbprintOfValue } from './certificates.js';
import { type CloudDevice, scopes } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';
import { fateOfPing, fateOutside, pingTimedOut, timedOut } from './fateOutside.js';
import { request } from './request.js';
import { watchAvailability } from './watchAvailability.js';
import { watchCall } from './watchCall.js';
import { watchRemoval, watchSecret } from './watchOwnKey.js';

const callTimeoutMs = 15_000;
const fleet = 'org/fleet';

/**
 * Balena for one run of a process. The device may be hidden from the key during the run, and the fleet as well.
 *
 * @param die ends the process
 */
export function fakeBalena(system: System, process: Process, uuid: string, die: () => void): BalenaClient {
  const { world, cloud } = system;
  const device = cloud.device(uuid);
  const hidesDevice = world.chance(0.01);
  // A key without a view of the device mostly has no view of the fleet either.
  const hidesFleet = world.chance(hidesDevice ? 0.8 : 0.01);
  let isHidden = false;
  const call = <R>(write: boolean, effect: () => R) =>
    request(world, process, {
      fate: fateOutside(system, 'balena', write, uuid),
      deadline: { ms: callTimeoutMs, error: () => late(write) },
      ...(write && { afterPause: () => watchCall(system, process, device, true) }),
      effect,
    });
  /** A write; balena may reject the write. */
  const write = async (what: string, effect: () => ProvisioningError | undefined) => {
    watchCall(system, process, device, false);
    const error = await call(true, () => {
      const rejected = effect();
      world.note(uuid, process.name, 'balena', what, rejected ? `→ ${rejected.code}` : '');
      watchAvailability(system, device);
      return rejected;
    });
    if (error) throw error;
  };

  /** A new row below a device, or below a service, that has just gone. */
  function isGone(scope: string): ProvisioningError {
    device.trouble += 1;
    return scope === '' ? appeared() : writeRefused();
  }

  function late(write: boolean) {
    device.trouble += 1;
    return timedOut('balena', write);
  }

  /** The right is a condition: balena answers a change and a removal with 200 and without effect. Only a new row is refused. */
  function refuse(exists: boolean): ProvisioningError | undefined {
    device.trouble += 1;
    world.note(uuid, process.name, 'balena', exists ? 'changes nothing' : 'refuses the row');
    return exists ? undefined : writeRefused();
  }

  return {
    async findDevice() {
      if (device.poison) {
        world.note(uuid, process.name, 'the device kills its worker');
        die();
        return new Promise(() => {});
      }
      return call(false, () => {
        isHidden = hidesDevice && !device.gone;
        // A process remembers for a minute that the key sees a fleet, and then asks no second time about a device that was never seen.
        if (isHidden && !system.recordOf(uuid)?.observed.fleet) device.hidden = true;
        const missing = device.late && world.now < device.late.until ? device.late.what : null;
        if (device.gone || isHidden || missing === 'device') return null;
        const shown = missing === 'services' ? [''] : scopes;
        const found = {
          fleet,
          scopes: new Map(shown.map((scope) => [scope, scopedVariablesOf(device, scope)])),
          foreignServices: [],
        };
        world.note(uuid, process.name, 'balena shows', showing(device));
        return found;
      });
    },
    seesFleet: () =>
      call(false, () => {
        if (hidesFleet) device.blindRuns += 1;
        else if (isHidden) device.hidden = true;
        return !hidesFleet;
      }),
    async add(scope, _scopedVariables, name, value) {
      watchSecret(system, process, uuid, 'stored');
      let added: Variable | null = null;
      await write(`add ${scope}.${name} ${thumbprintOfValue(uuid, value)?.slice(0, 6)}`, () => {
        const rows = device.variables.get(scope);
        if (device.readOnly && !device.gone) return refuse(false);
        if (device.gone || !rows) return isGone(scope);
        if (rows.has(name)) return undefined;
        added = { id: cloud.nextRow(), value };
        rows.set(name, { ...added });
        return undefined;
      });
      return added;
    },
    store: (scope, scopedVariables, name, value) => {
      watchSecret(system, process, uuid, 'stored');
      const existing = scopedVariables.variables[name];
      return write(
        `store ${scope}.${name} ${thumbprintOfValue(uuid, value)?.slice(0, 6)}${existing ? ' (update)' : ''}`,
        () => {
          const rows = device.variables.get(scope);
          if (device.readOnly && !device.gone) return refuse(existing !== undefined);
          if (device.gone || !rows) return existing ? undefined : isGone(scope);
          const stands = rows.get(name);
          if (!existing) {
            // The client compares the value after a conflict: an earlier try of the same write may have taken effect.
            if (stands?.value === value) return undefined;
            if (stands) {
              device.trouble += 1;
              return appeared();
            }
            rows.set(name, { id: cloud.nextRow(), value });
          } else if (stands?.id === existing.id) {
            rows.set(name, { id: existing.id, value });
          }
          // An update without a matching row answers 200 and changes nothing.
          return undefined;
        },
      );
    },
    remove: (scope, { id }) =>
      write(`remove ${scope} #${id}`, () => {
        if (device.readOnly && !device.gone) return refuse(true);
        const rows = device.variables.get(scope);
        for (const [name, row] of rows ?? []) {
          if (row.id !== id) continue;
          watchRemoval(system, process, device, scope);
          rows?.delete(name);
        }
        return undefined;
      }),
    ping: () =>
      request(world, process, {
        fate: fateOfPing(system, 'balena', uuid),
        deadline: { ms: 5_000, error: () => pingTimedOut(system, 'balena') },
        effect: () => {},
      }),
  };
}

function scopedVariablesOf({ variables }: CloudDevice, scope: string): ScopedVariables {
  const rows = [...(variables.get(scope) ?? [])].map(([name, row]) => [name, { ...row }] as const);
  return { ownerId: 1, variables: Object.fromEntries(rows) };
}

function showing({ uuid, variables }: CloudDevice): string {
  const half = (value: string | undefined) =>
    value === undefined ? '-' : (thumbprintOfValue(uuid, value)?.slice(0, 6) ?? 'alien');
  return [...variables]
    .map(
      ([scope, rows]) =>
        `'${scope}': ${half(rows.get('AZURE_CERT')?.value)}/${half(rows.get('AZURE_PRIVATE_KEY')?.value)}`,
    )
    .join(' ');
}

function appeared(): ProvisioningError {
  return new ProvisioningError(
    'balena-conflict',
    'Another writer created the same variable in balena (409).',
    {
      retryAfterMs: 1_000,
      dependency: 'balena',
    },
  );
}

function writeRefused(): ProvisioningError {
  return new ProvisioningError('balena-write-refused', 'balena refuses the write (401).', {
    dependency: 'balena',
  });
}
