import { DefaultAzureCredential } from '@azure/identity';
import { ServiceBusAdministrationClient } from '@azure/service-bus';
import { ProvisioningError } from '../shared/errors.js';
import type { QueueOptions } from './queue.js';

export interface Depths {
  active: number;
  scheduled: number;
  deadLettered: number;
}

/** What the queue was made with; times in ms. */
export interface QueueProperties {
  lockMs: number;
  maxDeliveryCount: number;
  /** Null where it does not detect duplicates. */
  duplicateWindowMs: number | null;
  deadLettersExpired: boolean;
}

/** What only a right to manage the queue shows. A worker does without. */
export interface QueueManagement {
  /**
   * @returns null if we may not ask
   * @throws ProvisioningError `queue-unavailable`
   */
  depths(): Promise<Depths | null>;
  /**
   * @returns null if we may not ask
   * @throws ProvisioningError `queue-unavailable`
   */
  properties(): Promise<QueueProperties | null>;
}

const callTimeoutMs = 5_000;

export function openQueueManagement({ connection, queue }: QueueOptions): QueueManagement {
  const client =
    'connectionString' in connection
      ? new ServiceBusAdministrationClient(connection.connectionString, options)
      : new ServiceBusAdministrationClient(
          connection.fullyQualifiedNamespace,
          new DefaultAzureCredential(),
          options,
        );
  return {
    depths: () =>
      ask(async (abortSignal) => {
        const found = await client.getQueueRuntimeProperties(queue, { abortSignal });
        return {
          active: found.activeMessageCount,
          scheduled: found.scheduledMessageCount,
          deadLettered: found.deadLetterMessageCount,
        };
      }),
    properties: () =>
      ask(async (abortSignal) => {
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

async function ask<R>(call: (abortSignal: AbortSignal) => Promise<R>): Promise<R | null> {
  try {
    return await call(AbortSignal.timeout(callTimeoutMs));
  } catch (error) {
    const { statusCode, code, name } = error as { statusCode?: number; code?: string; name?: string };
    if (statusCode === 401 || statusCode === 403) return null;
    throw new ProvisioningError(
      'queue-unavailable',
      // The code first: that there is no such queue comes as HTTP 200.
      `The queue cannot be asked for its counts (${code ?? (statusCode ? `HTTP ${statusCode}` : name)}).`,
      { cause: error },
    );
  }
}

/** An ISO 8601 duration of days and time, as the service writes them: PT2M, P10DT5M30.5S. */
function milliseconds(duration: string): number {
  const [, days, hours, minutes, seconds] =
    /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/.exec(duration) ?? [];
  const parts = [days, hours, minutes, seconds].map((part) => Number(part ?? 0));
  const [d = 0, h = 0, m = 0, s = 0] = parts;
  return ((d * 24 + h) * 60 + m) * 60_000 + s * 1_000;
}
