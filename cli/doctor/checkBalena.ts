import { openBalenaClient } from '../../src/balena/client.js';
import type { ConfigFor } from '../../src/config/config.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type Check, failed, ok } from './check.js';
import { probeBalena } from './probeBalena.js';

/** Is the key valid, does it see each fleet, and may it write variables? Nothing is changed. */
export async function checkBalena({ balena: options, fleets }: ConfigFor<'balena'>): Promise<Check[]> {
  try {
    const { actor, mayWrite } = await probeBalena(options);
    const key =
      actor === 'user'
        ? ok('balena: key', 'valid')
        : failed(
            'balena: key',
            `it is a key of a ${actor}, not of a user`,
            'make one: Preferences, Access tokens',
          );
    const write = mayWrite
      ? ok('balena: write', 'variables may be written')
      : failed(
          'balena: write',
          'the key may not write variables',
          'use the key of a user who may (Developer or more)',
        );
    return [key, ...(await checkFleets(openBalenaClient(options), fleets)), write];
  } catch (error) {
    const { code, message } = ProvisioningError.from(error);
    const todo =
      code === 'balena-unauthorized'
        ? 'make a new key (Preferences, Access tokens), and set BALENA_API_KEY'
        : 'is BALENA_API_URL right, and port 443 open from here?';
    return [failed('balena: key', message, todo)];
  }
}

async function checkFleets(
  balena: ReturnType<typeof openBalenaClient>,
  fleets: string[] | null,
): Promise<Check[]> {
  if (fleets === null)
    return [
      (await balena.seesFleet(null))
        ? ok('balena: fleets', 'all that the key sees (FLEETS is not set)')
        : failed('balena: fleets', 'the key sees none', 'add its user to the organization of the fleets'),
    ];
  return Promise.all(
    fleets.map(async (fleet) =>
      (await balena.seesFleet(fleet))
        ? ok('balena: fleet', `${fleet} is seen`)
        : failed(
            'balena: fleet',
            `${fleet} is not seen`,
            'is the slug right, and its user a member of the organization?',
          ),
    ),
  );
}
