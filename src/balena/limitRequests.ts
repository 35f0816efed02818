import { ProvisioningError } from '../shared/errors.js';
import type { BalenaLimit } from '../throttling/balenaLimit.js';
import type { BalenaClient } from './types.js';

/** The methods that no run uses. A run asks for a wait by itself before each of its calls. */
const ofFleets = ['list', 'fleetsOf', 'servicesOf', 'listWithout'];

/**
 * The same client, with every request counted by balena's limit. If balena asks us to wait, all workers wait. A ping is counted, and sent
 * also during a wait: the ping finds out whether balena answers at all.
 */
export function limitRequests<C extends BalenaClient>(client: C, limit: BalenaLimit): C {
  const methods = Object.entries(client).map(([name, method]: [string, Method]) => [
    name,
    async (...args: unknown[]) => {
      if (ofFleets.includes(name)) await limit.pauseMs();
      if (name !== 'ping') limit.expectNoPause();
      limit.count();
      try {
        return await method(...args);
      } catch (error) {
        const { code, retryAfterMs } = ProvisioningError.from(error);
        if (code === 'balena-throttled' && retryAfterMs !== null) await limit.pause(retryAfterMs);
        throw error;
      }
    },
  ]);
  return Object.fromEntries(methods) as C;
}

type Method = (...args: unknown[]) => Promise<unknown>;
