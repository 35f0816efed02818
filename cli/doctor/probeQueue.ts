import type { ServiceBusClient } from '@azure/service-bus';
import { createServiceBusClient, type QueueOptions } from '../../src/queue/serviceBusClient.js';
import { withDeadline } from '../../src/shared/network.js';

/** The result of an attempt. `unreadable`: the connection string cannot be read. */
export type AccessResult = 'granted' | 'denied' | 'no-queue' | 'no-token' | 'unreachable' | 'unreadable';

/** The rights of a worker. */
export interface QueueAccess {
  send: AccessResult;
  listen: AccessResult;
}

const codes: Record<string, AccessResult> = {
  UnauthorizedAccess: 'denied',
  MessagingEntityNotFound: 'no-queue',
};

/**
 * Tests the rights to send to the queue and to listen. The test opens a sender's link and peeks at a message, so nothing is sent and
 * nothing is locked. Never throws.
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

function accessOf(error: unknown): AccessResult {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (typeof name === 'string' && /Credential|Authentication/.test(name)) return 'no-token';
  return (typeof code === 'string' && codes[code]) || 'unreachable';
}
