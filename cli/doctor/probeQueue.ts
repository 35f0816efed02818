import type { ServiceBusClient } from '@azure/service-bus';
import { createServiceBusClient, type QueueOptions } from '../../src/queue/serviceBusClient.js';
import { withDeadline } from '../../src/shared/network.js';

/** What came of trying: we may; we may not; there is no such queue; no token; no answer; or the connection string cannot be read. */
export type Access = 'granted' | 'refused' | 'no-queue' | 'no-token' | 'unreachable' | 'unreadable';

/** The rights of a worker. */
export interface QueueAccess {
  send: Access;
  listen: Access;
}

const codes: Record<string, Access> = {
  UnauthorizedAccess: 'refused',
  MessagingEntityNotFound: 'no-queue',
};

/**
 * May we send to the queue, and listen? Nothing is sent and nothing is locked: a sender's link is opened, and a message looked
 * at. Never throws.
 */
export async function probeQueue({
  connection,
  queue,
  callTimeoutMs = 5_000,
}: QueueOptions): Promise<QueueAccess> {
  const options = { retryOptions: { maxRetries: 0, timeoutInMs: callTimeoutMs } };
  // Each probe has a client of its own. A rejected link must not close the link of the other probe.
  const attempt = async (use: (client: ServiceBusClient, abortSignal: AbortSignal) => Promise<unknown>) => {
    let client: ServiceBusClient | undefined;
    try {
      const opened = createServiceBusClient(connection, options);
      client = opened;
      await withDeadline(callTimeoutMs, (abortSignal) => use(opened, abortSignal));
      return 'granted';
    } catch (error) {
      return client ? accessOf(error) : 'unreadable';
    } finally {
      await client?.close().catch(() => {});
    }
  };
  const [send, listen] = await Promise.all([
    attempt((client, abortSignal) => client.createSender(queue).createMessageBatch({ abortSignal })),
    attempt((client, abortSignal) => client.createReceiver(queue).peekMessages(1, { abortSignal })),
  ]);
  return { send, listen };
}

function accessOf(error: unknown): Access {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof name === 'string' && /Credential|Authentication/.test(name)) return 'no-token';
  return (typeof code === 'string' && codes[code]) || 'unreachable';
}
