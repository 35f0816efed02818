import type { ConfigFor } from '../../src/config/config.js';
import { openQueueManagement, type QueueProperties } from '../../src/queue/administration.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type Check, failed, getToken, ok, warning } from './check.js';
import { type Access, probeQueue } from './probeQueue.js';

type Config = ConfigFor<'queue'>;

const roles = { send: 'Azure Service Bus Data Sender', listen: 'Azure Service Bus Data Receiver' };
const owner = 'Azure Service Bus Data Owner';
/** What the protocol counts on, see docs/protocol.md. */
const deliveries = 10;

/** May we send to the queue and listen, as a worker must; and was it made as the settings say? */
export async function checkQueue(config: Config): Promise<Check[]> {
  const [{ send, listen }, properties] = await Promise.all([
    probeQueue(config.queue),
    readProperties(config),
  ]);
  const rights = [right(config, 'send', send), right(config, 'listen', listen)];
  if (send !== 'granted' && listen !== 'granted') return rights;
  return [...rights, ...checkProperties(config, properties)];
}

function right({ queue: { queue } }: Config, name: 'send' | 'listen', access: Access): Check {
  const what = `queue: ${name}`;
  switch (access) {
    case 'granted':
      return ok(what, `allowed on ${queue}`);
    case 'refused':
      return failed(
        what,
        `not allowed on ${queue}`,
        `the policy needs the right ${name === 'send' ? 'Send' : 'Listen'}, or the identity the role ${roles[name]}; or the key is wrong`,
      );
    case 'no-queue':
      return failed(what, `there is no queue ${queue}`, 'make it, or set PROVISIONING_QUEUE');
    case 'no-token':
      return failed(what, 'no token', getToken);
    case 'unreadable':
      return failed(what, 'SERVICEBUS_CONNECTION cannot be read', 'copy it anew');
    case 'unreachable':
      return failed(
        what,
        'the namespace does not answer',
        'is SERVICEBUS_CONNECTION right, and port 5671 open from here?',
      );
  }
}

async function readProperties(config: Config): Promise<QueueProperties | ProvisioningError | null> {
  try {
    return await openQueueManagement(config.queue).properties();
  } catch (error) {
    return ProvisioningError.from(error);
  }
}

function checkProperties(config: Config, found: QueueProperties | ProvisioningError | null): Check[] {
  const name = 'queue: manage';
  if (found === null)
    return [
      warning(
        name,
        'not allowed: its counts and properties cannot be read from here',
        `only watch and this check want the right Manage (role ${owner}), and in Azure the platform, which scales workers by the counts; workers do without`,
      ),
    ];
  if (found instanceof ProvisioningError)
    return [warning(name, found.message, 'is port 443 of the namespace open from here?')];
  return [ok(name, 'allowed'), ...compare(config, found)];
}

function compare({ workLimitMs, leaseGraceMs, duplicateWindowMs }: Config, found: QueueProperties): Check[] {
  const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`;
  const least = workLimitMs + leaseGraceMs;
  const lock =
    found.lockMs >= least
      ? ok('queue: lock', seconds(found.lockMs))
      : failed(
          'queue: lock',
          `${seconds(found.lockMs)}: shorter than WORK_LIMIT_SECONDS and LEASE_GRACE_SECONDS together`,
          `set the queue's lock duration to ${seconds(least)} or more (at most 300 s)`,
        );
  const window =
    found.duplicateWindowMs === null
      ? failed(
          'queue: duplicates',
          'are not detected',
          `make the queue anew with duplicate detection over ${seconds(duplicateWindowMs)}: it cannot be switched on later`,
        )
      : found.duplicateWindowMs === duplicateWindowMs
        ? ok('queue: duplicates', `detected for ${seconds(found.duplicateWindowMs)}`)
        : failed(
            'queue: duplicates',
            `detected for ${seconds(found.duplicateWindowMs)}, and DUPLICATE_WINDOW_SECONDS says ${seconds(duplicateWindowMs)}`,
            'make them the same',
          );
  const count =
    found.maxDeliveryCount === deliveries
      ? ok('queue: deliveries', `${deliveries} at most`)
      : warning(
          'queue: deliveries',
          `${found.maxDeliveryCount} at most`,
          `set the queue's max delivery count to ${deliveries}`,
        );
  const expiry = found.deadLettersExpired
    ? ok('queue: expiry', 'what expires is dead-lettered')
    : warning('queue: expiry', 'what expires is dropped', 'switch on dead-lettering on message expiration');
  return [lock, window, count, expiry];
}
