import { type BalenaOptions, openBalenaClient } from '../../src/balena/client.js';
import type { ConfigFor } from '../../src/config/config.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type Check, failed, ok, warning } from './check.js';
import { probeBalena } from './probeBalena.js';
import { proofVariable, proveWrite, visibleFleets, type WriteProof } from './proveWrite.js';

/**
 * Checks that the API key is valid, sees each fleet and is not refused to write variables.
 *
 * @param proves true: the right to write is proven on one device of each fleet. Otherwise the check changes nothing
 */
export async function checkBalena(
  { balena: options, fleets }: ConfigFor<'balena'>,
  proves: boolean,
): Promise<Check[]> {
  try {
    const { actor, mayWrite } = await probeBalena(options);
    const key =
      actor === 'user'
        ? ok('balena: key', 'valid')
        : failed(
            'balena: key',
            `the key belongs to a ${actor}, not to a user`,
            'create a user key in balena: Preferences, Access tokens',
          );
    const seen = await checkFleets(openBalenaClient(options), fleets);
    if (!mayWrite) return [key, ...seen, failed(write, 'the key may not write variables', useOperator)];
    return [key, ...seen, ...(proves ? await proveFleets(options, fleets) : [unproven])];
  } catch (error) {
    const { code, message } = ProvisioningError.from(error);
    const todo =
      code === 'balena-unauthorized'
        ? 'create a new key in balena (Preferences, Access tokens), and set BALENA_API_KEY'
        : 'check BALENA_API_URL, and that port 443 is open from this machine';
    return [failed('balena: key', message, todo)];
  }
}

const write = 'balena: write';
const useOperator = 'use the key of a user with the role Operator or higher';
const unproven = ok(
  write,
  'not refused in general. A limit to some fleets is unknown: doctor --prove-write shows it',
);

async function proveFleets(options: BalenaOptions, fleets: string[] | null): Promise<Check[]> {
  const checks: Check[] = [];
  // One fleet after the other: the proof of a fleet is about ten requests.
  for (const fleet of fleets ?? (await visibleFleets(options))) checks.push(await proveFleet(options, fleet));
  return checks;
}

async function proveFleet(options: BalenaOptions, fleet: string): Promise<Check> {
  try {
    return proofCheck(await proveWrite(options, fleet));
  } catch (error) {
    const { message } = ProvisioningError.from(error);
    return failed(
      write,
      `the proof for ${fleet} was interrupted: ${message}`,
      'repeat the proof: it removes the variable of the interrupted one',
    );
  }
}

function proofCheck({ fleet, device, missing }: WriteProof): Check {
  if (!device) return warning(write, `${fleet} has no device, so the right cannot be proven`, addDevice);
  const { uuid, isOnline } = device;
  const where = `${isOnline ? 'online' : 'offline'} device ${uuid.slice(0, 7)} of ${fleet}`;
  switch (missing) {
    case null:
      return ok(write, `proven on the ${where}: a variable was made, changed and removed`);
    case 'create':
      return failed(write, `the key may not make variables (${where})`, useOperator);
    case 'change':
      return failed(write, `the key may not change variables (${where})`, useOperator);
    case 'remove':
      return failed(
        write,
        `the key may not remove variables: ${proofVariable} is left on the ${where}`,
        `${useOperator}, then repeat the proof: it removes the variable`,
      );
  }
}

const addDevice = 'repeat the proof when the fleet has its first device';

async function checkFleets(
  balena: ReturnType<typeof openBalenaClient>,
  fleets: string[] | null,
): Promise<Check[]> {
  if (fleets === null)
    return [
      (await balena.seesFleet(null))
        ? ok('balena: fleets', 'all fleets of the key (FLEETS is not set)')
        : failed(
            'balena: fleets',
            'the key sees no fleet',
            "add the key's user to the organization of the fleets",
          ),
    ];
  return Promise.all(
    fleets.map(async (fleet) =>
      (await balena.seesFleet(fleet))
        ? ok('balena: fleet', `the key sees ${fleet}`)
        : failed(
            'balena: fleet',
            `the key does not see ${fleet}`,
            "check the slug, and that the key's user is a member of the organization",
          ),
    ),
  );
}
