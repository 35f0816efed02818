import { randomUUID } from 'node:crypto';
import type { ConfigFor } from '../../src/config/config.js';
import { openHubRegistry } from '../../src/iothub/registry.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type Check, failed, getToken, lacksToken, ok } from './check.js';

const deadlineMs = 15_000;

/** May we read the registry, and write it? An identity that does not exist is asked for, and deleted: two registry operations. */
export async function checkHub(config: ConfigFor<'hub'>): Promise<Check[]> {
  const hub = open(config);
  if (!hub) return [failed('hub: read', 'its connection string cannot be read', 'copy it anew')];
  const nobody = `doctor-${randomUUID()}`;
  try {
    const read = await attempt('hub: read', () => hub.get(nobody, deadlineMs));
    if (read.level === 'failed') return [read];
    return [read, await attempt('hub: write', () => hub.remove(nobody, deadlineMs))];
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

async function attempt(name: string, run: () => Promise<unknown>): Promise<Check> {
  try {
    await run();
    return ok(name, 'allowed');
  } catch (error) {
    const found = ProvisioningError.from(error);
    const { code, message } = found;
    if (lacksToken(found)) return failed(name, 'no token', getToken);
    return failed(name, message, todos[code] ?? 'is its host name right, and port 443 open from here?');
  }
}

const todos: Record<string, string> = {
  'hub-unauthorized':
    'the policy needs RegistryWrite (such as registryReadWrite), or the identity the role IoT Hub Registry Contributor',
  'hub-throttled': 'nothing: it is busy; try again',
  'hub-quota-exceeded': 'add units, or wait for midnight UTC',
};
