import { ProvisioningError } from '../shared/errors.js';
import { openAgent, retireAgent, useAgent } from '../shared/httpAgent.js';
import { openRenewable, type Renewable } from '../shared/renewable.js';
import { createAdministrationClient, type QueueOptions } from './serviceBusClient.js';

/** The numbers of messages in the queue. */
export interface Depths {
  active: number;
  scheduled: number;
  deadLettered: number;
}

/** The settings of the queue. Durations are in ms. */
export interface QueueProperties {
  /** The lock duration of a delivered message. */
  lockMs: number;
  maxDeliveryCount: number;
  /** Null if the queue does not detect duplicates. */
  duplicateWindowMs: number | null;
  /** Whether the queue dead-letters expired messages, instead of dropping them. */
  deadLettersExpired: boolean;
}

/** Readings that need the right to manage the queue. A worker runs without that right. */
export interface QueueManagement {
  /**
   * @returns null without the right to manage the queue
   * @throws ProvisioningError `queue-unavailable`
   */
  depths(): Promise<Depths | null>;
  /**
   * @returns null without the right to manage the queue
   * @throws ProvisioningError `queue-unavailable`
   */
  properties(): Promise<QueueProperties | null>;
}

const callTimeoutMs = 5_000;

/** Opens the management of the queue. @throws Error if the connection string cannot be read */
export function openQueueManagement({ connection, queue }: QueueOptions): QueueManagement {
  const connections = openRenewable(
    () => {
      const client = createAdministrationClient(connection, options);
      const agent = openAgent(true);
      useAgent(client, agent);
      return { client, agent };
    },
    ({ agent }) => retireAgent(agent),
  );
  return {
    depths: () =>
      request(connections, async ({ client }, abortSignal) => {
        const found = await client.getQueueRuntimeProperties(queue, { abortSignal });
        return {
          active: found.activeMessageCount,
          scheduled: found.scheduledMessageCount,
          deadLettered: found.deadLetterMessageCount,
        };
      }),
    properties: () =>
      request(connections, async ({ client }, abortSignal) => {
        const found = await client.getQueue(queue, { abortSignal });
        return {
          lockMs: milliseconds(found.lockDuration),
          maxDeliveryCount: found.maxDeliveryCount,
          duplicateWindowMs: found.requiresDuplicateDetection
            ? milliseconds(found.duplicateDetectionHistoryTimeWindow)
            : null,
          deadLettersExpired: found.deadLetteringOnMessageExpiration,
        };
      }),
  };
}

const options = { retryOptions: { maxRetries: 1, retryDelayInMs: 250 } };

async function request<C, R>(
  connections: Renewable<C>,
  call: (connection: C, abortSignal: AbortSignal) => Promise<R>,
): Promise<R | null> {
  try {
    return await connections.call(callTimeoutMs, call);
  } catch (error) {
    const { statusCode, code, name } = error as { statusCode?: number; code?: string; name?: string };
    if (statusCode === 401 || statusCode === 403) return null;
    throw new ProvisioningError(
      'queue-unavailable',
      // The code comes first: for a missing queue the status is 200.
      `The counts and properties of the queue cannot be read (${code ?? (statusCode ? `HTTP ${statusCode}` : name)}).`,
      { cause: error },
    );
  }
}

/** An ISO 8601 duration in the service's form (PT2M, P10DT5M30.5S), in ms. */
function milliseconds(duration: string): number {
  const [, days, hours, minutes, seconds] =
    /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(duration) ?? [];
  const parts = [days, hours, minutes, seconds].map((part) => Number(part ?? 0));
  const [d = 0, h = 0, m = 0, s = 0] = parts;
  return ((d * 24 + h) * 60 + m) * 60_000 + s * 1_000;
}
