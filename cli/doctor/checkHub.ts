import { randomUUID } from 'node:crypto';
import type { ConfigFor } from '../../src/config/config.js';
import { openHubRegistry } from '../../src/iothub/registry.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type Check, failed, getToken, lacksToken, ok, warning } from './check.js';

const deadlineMs = 15_000;

/** Checks the rights to read and write the registry, by reading and deleting an identity with a random name. Costs two registry operations. */
export async function checkHub(config: ConfigFor<'hub'>): Promise<Check[]> {
  const hub = open(config);
  if (!hub)
    return [failed('hub: read', 'the connection string cannot be read', 'copy the connection string again')];
  const unusedId = `doctor-${randomUUID()}`;
  try {
    const read = await attempt('hub: read', () => hub.get(unusedId, deadlineMs));
    if (read.level === 'failed') return [read];
    return [...rate(config), read, await attempt('hub: write', () => hub.remove(unusedId, deadlineMs))];
  } finally {
    hub.close();
  }
}

function open(config: ConfigFor<'hub'>) {
  try {
    return openHubRegistry(config.hub);
  } catch {
    return null;
  }
}

/** A warning if the rate limiter guesses the hub's rate. */
function rate({ guessedQuota, operationsPerMinute }: ConfigFor<'hub'>): Check[] {
  if (guessedQuota === null) return [];
  const detail = `the tier is unknown, so the rate limiter allows ${operationsPerMinute} registry operations a minute`;
  return [warning('hub: rate', detail, 'set IOTHUB_OPERATIONS_PER_MINUTE to the rate of the hub')];
}

async function attempt(name: string, run: () => Promise<unknown>): Promise<Check> {
  try {
    await run();
    return ok(name, 'allowed');
  } catch (error) {
    const found = ProvisioningError.from(error);
    const { code, message } = found;
    if (lacksToken(found)) return failed(name, 'no token', getToken);
    return failed(
      name,
      message,
      todos[code] ?? 'check the host name, and that port 443 is open from this machine',
    );
  }
}

const todos: Record<string, string> = {
  'hub-unauthorized':
    'give the policy the right RegistryWrite (such as registryReadWrite), or the identity the role IoT Hub Registry Contributor',
  'hub-throttled': 'the hub is busy: run this command again later',
  'hub-quota-exceeded': 'add units, or wait for the new quota at midnight UTC',
};
