import { openBalenaClient } from '../../src/balena/client.js';
import type { ConfigFor } from '../../src/config/config.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type Check, failed, ok } from './check.js';
import { probeBalena } from './probeBalena.js';

/** Checks that the API key is valid, sees each fleet and is not refused to write variables. The check changes nothing. */
export async function checkBalena({ balena: options, fleets }: ConfigFor<'balena'>): Promise<Check[]> {
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
    const write = mayWrite
      ? ok('balena: write', 'not refused in general. A limit to some fleets shows only at the first device')
      : failed(
          'balena: write',
          'the key may not write variables',
          'use the key of a user with the role Developer or higher',
        );
    return [key, ...(await checkFleets(openBalenaClient(options), fleets)), write];
  } catch (error) {
    const { code, message } = ProvisioningError.from(error);
    const todo =
      code === 'balena-unauthorized'
        ? 'create a new key in balena (Preferences, Access tokens), and set BALENA_API_KEY'
        : 'check BALENA_API_URL, and that port 443 is open from this machine';
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
