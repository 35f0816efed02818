import { type Dependency, ProvisioningError } from '../shared/errors.js';
import { productMetrics } from '../telemetry/metrics.js';
import type { Ping } from '../throttling/circuitBreaker.js';
import type { WorkerDependencies } from './dependencies.js';

const longestPingMs = 5_000;

/**
 * Makes the pings of a run: requests about no device, to tell whether a failure is the fault of the dependency or of the device. Each
 * dependency is pinged once at most. A ping only reads and ends within half of the lease's grace, so a ping may also be sent after the
 * work limit.
 */
export function openPings(deps: WorkerDependencies): Record<Dependency, Ping> {
  const { balena, hub, rateLimiter, status, settings } = deps;
  const timeoutMs = Math.min(longestPingMs, settings.leaseGraceMs / 2);
  return {
    balena: once(() => balena.ping(timeoutMs)),
    hub: once(() => {
      rateLimiter.charge();
      status.count('operations');
      productMetrics().operationSent();
      return hub.ping(timeoutMs);
    }),
  };
}

function once(ping: () => Promise<void>): Ping {
  let answer: ReturnType<Ping> | undefined;
  return () => {
    answer ??= errorOf(ping);
    return answer;
  };
}

/** A dependency that throttles a ping, or refuses the ping's content, answers. */
async function errorOf(ping: () => Promise<void>): Promise<ProvisioningError | null> {
  try {
    await ping();
    return null;
  } catch (error) {
    const failure = ProvisioningError.from(error);
    return failure.policy.opensCircuit === 'never' ? null : failure;
  }
}
