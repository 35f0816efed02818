import type { BalenaClient, ScopedVariables } from '../../../src/balena/types.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { thumbprintOfValue } from './certificates.js';
import { type CloudDevice, scopes } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';
import { fateOutside, timedOut } from './fateOutside.js';
import { request } from './request.js';
import { watchAvailability } from './watchAvailability.js';
import { watchCall } from './watchCall.js';

const callTimeoutMs = 15_000;
const fleet = 'org/fleet';

/**
 * Balena, as one process reaches it, for one run: a key that is blind for a moment is blind in both calls of that run.
 *
 * @param die ends the process
 */
export function fakeBalena(system: System, process: Process, uuid: string, die: () => void): BalenaClient {
  const { world, cloud } = system;
  const device = cloud.device(uuid);
  const blind = world.chance(0.01);
  const call = <R>(write: boolean, effect: () => R) =>
    request(world, process, {
      fate: fateOutside(world, 'balena', write),
      deadline: { ms: callTimeoutMs, error: () => timedOut('balena', write) },
      effect,
    });
  /** One whose effect can be that it is rejected. */
  const write = async (what: string, effect: () => ProvisioningError | undefined) => {
    watchCall(system, process, device);
    const error = await call(true, () => {
      const rejected = effect();
      world.note(uuid, process.name, 'balena', what, rejected ? `→ ${rejected.code}` : '');
      watchAvailability(system, device);
      return rejected;
    });
    if (error) throw error;
  };

  return {
    async findDevice() {
      if (device.poison) {
        world.note(uuid, process.name, 'the device kills its worker');
        die();
        return new Promise(() => {});
      }
      return call(false, () => {
        if (device.gone || blind) return null;
        const found = {
          fleet,
          scopes: new Map(scopes.map((scope) => [scope, scopedVariablesOf(device, scope)])),
          foreignServices: [],
        };
        world.note(uuid, process.name, 'balena shows', showing(device));
        return found;
      });
    },
    seesFleet: () => call(false, () => !blind),
    store: (scope, scopedVariables, name, value) => {
      const existing = scopedVariables.variables[name];
      return write(
        `store ${scope}.${name} ${thumbprintOfValue(uuid, value)?.slice(0, 6)}${existing ? ' (update)' : ''}`,
        () => {
          const rows = device.variables.get(scope);
          if (device.gone || !rows) return existing ? undefined : rejected();
          const stands = rows.get(name);
          if (!existing) {
            if (stands) return appeared();
            rows.set(name, { id: cloud.nextRow(), value });
          } else if (stands?.id === existing.id) {
            rows.set(name, { id: existing.id, value });
          }
          // An update that matches no row answers 200 and changes nothing.
          return undefined;
        },
      );
    },
    remove: (scope, { id }) =>
      write(`remove ${scope} #${id}`, () => {
        const rows = device.variables.get(scope);
        for (const [name, row] of rows ?? []) if (row.id === id) rows?.delete(name);
        return undefined;
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

function rejected(): ProvisioningError {
  return new ProvisioningError('balena-rejected', 'balena rejects the request (400).', {
    dependency: 'balena',
  });
}
