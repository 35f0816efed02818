import type { ConfigFor } from '../../src/config/config.js';
import { openQueueManagement, type QueueProperties } from '../../src/queue/administration.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { type Check, failed, getToken, ok, warning } from './check.js';
import { type AccessResult, probeQueue } from './probeQueue.js';

type Config = ConfigFor<'queue'>;

const roles = { send: 'Azure Service Bus Data Sender', listen: 'Azure Service Bus Data Receiver' };
const owner = 'Azure Service Bus Data Owner';
/** The protocol relies on this number, see docs/protocol.md. */
const deliveries = 10;

/** Checks the rights of a worker to send and to listen, and compares the queue's properties with the settings. */
export async function checkQueue(config: Config): Promise<Check[]> {
  const [{ send, listen }, properties] = await Promise.all([
    probeQueue(config.queue),
    readProperties(config),
  ]);
  const rights = [right(config, 'send', send), right(config, 'listen', listen)];
  if (send !== 'granted' && listen !== 'granted') return rights;
  return [...rights, ...checkProperties(config, properties)];
}

function right({ queue: { queue } }: Config, name: 'send' | 'listen', access: AccessResult): Check {
  const what = `queue: ${name}`;
  switch (access) {
    case 'granted':
      return ok(what, `allowed on ${queue}`);
    case 'denied':
      return failed(
        what,
        `not allowed on ${queue}`,
        `check the key; give the policy the right ${name === 'send' ? 'Send' : 'Listen'}, or the identity the role ${roles[name]}`,
      );
    case 'no-queue':
      return failed(what, `there is no queue ${queue}`, 'create the queue, or set PROVISIONING_QUEUE');
    case 'no-token':
      return failed(what, 'no token', getToken);
    case 'unreadable':
      return failed(what, 'SERVICEBUS_CONNECTION cannot be read', 'copy the connection string again');
    case 'unreachable':
      return failed(
        what,
        'the namespace does not answer',
        'check SERVICEBUS_CONNECTION, and that port 5671 is open from this machine',
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
        'not allowed; counts and properties of the queue cannot be read',
        `watch and this check need the right Manage (role ${owner}), and in Azure the platform needs the right to scale workers by the counts; workers do not need the right`,
      ),
    ];
  if (found instanceof ProvisioningError)
    return [warning(name, found.message, 'check that port 443 of the namespace is open from this machine')];
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
          `${seconds(found.lockMs)} is shorter than the sum of WORK_LIMIT_SECONDS and LEASE_GRACE_SECONDS`,
          `set the queue's lock duration to ${seconds(least)} or more (at most 300 s)`,
        );
  const window =
    found.duplicateWindowMs === null
      ? failed(
          'queue: duplicates',
          'duplicate detection is off',
          `create the queue again with duplicate detection over ${seconds(duplicateWindowMs)}, because an existing queue cannot be changed`,
        )
      : found.duplicateWindowMs === duplicateWindowMs
        ? ok('queue: duplicates', `duplicates are detected for ${seconds(found.duplicateWindowMs)}`)
        : failed(
            'queue: duplicates',
            `duplicates are detected for ${seconds(found.duplicateWindowMs)}, but DUPLICATE_WINDOW_SECONDS is ${seconds(duplicateWindowMs)}`,
            'use the same value for both',
          );
  const count =
    found.maxDeliveryCount === deliveries
      ? ok('queue: deliveries', `at most ${deliveries}`)
      : warning(
          'queue: deliveries',
          `at most ${found.maxDeliveryCount}`,
          `set the queue's max delivery count to ${deliveries}`,
        );
  const expiry = found.deadLettersExpired
    ? ok('queue: expiry', 'expired messages are dead-lettered')
    : warning(
        'queue: expiry',
        'expired messages are dropped',
        'switch on dead-lettering on message expiration',
      );
  return [lock, window, count, expiry];
}
