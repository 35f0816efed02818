import { BrokerError } from './BrokerError.js';

/** The properties for a new queue. Every property except the name has the default value of Service Bus. */
export interface QueueOptions {
  name: string;
  /** Duration of a receiver's lock on a message, 5 s to 5 min; default 1 min. */
  lockDurationMs?: number;
  /** A message is dead-lettered after this number of failed deliveries, 1 to 2,000; default 10. */
  maxDeliveryCount?: number;
  /**
   * Duration for which the queue remembers message ids, 20 s to 7 days. Without this property there is no duplicate
   * detection.
   */
  duplicateWindowMs?: number | undefined;
  /** Default and upper limit of the time to live of messages, at least 1 s; default unlimited. */
  timeToLiveMs?: number | undefined;
  /** Dead-letter expired messages instead of removing them; default false. */
  deadLetterOnExpiry?: boolean;
  /** Largest total size of the queue in bytes, including dead letters; default 1 GiB. */
  maxSizeBytes?: number;
}

export interface QueueProperties {
  lockDurationMs: number;
  maxDeliveryCount: number;
  duplicateWindowMs: number | undefined;
  timeToLiveMs: number | undefined;
  deadLetterOnExpiry: boolean;
  maxSizeBytes: number;
}

const SECONDS = 1000;
const MINUTES = 60 * SECONDS;
const DAYS = 24 * 60 * MINUTES;

const defaults: QueueProperties = {
  lockDurationMs: 1 * MINUTES,
  maxDeliveryCount: 10,
  duplicateWindowMs: undefined,
  timeToLiveMs: undefined,
  deadLetterOnExpiry: false,
  maxSizeBytes: 1024 * 1024 * 1024,
};

/**
 * Limits from https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas and from the reference of each
 * property.
 */
const limits: Partial<Record<keyof QueueProperties, [least: number, most: number, what: string]>> = {
  lockDurationMs: [5 * SECONDS, 5 * MINUTES, 'the lock duration must be 5 s to 5 min'],
  maxDeliveryCount: [1, 2000, 'the maximum delivery count must be 1 to 2000'],
  duplicateWindowMs: [20 * SECONDS, 7 * DAYS, 'the duplicate detection window must be 20 s to 7 days'],
  timeToLiveMs: [1 * SECONDS, Number.MAX_SAFE_INTEGER, 'the time to live must be at least 1 s'],
  maxSizeBytes: [1, Number.MAX_SAFE_INTEGER, 'the maximum size must be at least 1 byte'],
};

/**
 * Checks the properties and fills in the defaults.
 * @throws BrokerError `argument` naming the violated limit
 */
export function queueProperties({ name, ...given }: QueueOptions): QueueProperties {
  if (!/^[A-Za-z0-9](?:[\w./-]{0,258}[A-Za-z0-9])?$/.test(name)) {
    throw new BrokerError(
      'argument',
      `'${name}' is not a queue name: up to 260 letters, digits, periods, hyphens, underscores and slashes, ` +
        'with a letter or digit first and last',
    );
  }
  const properties = { ...defaults, ...given };
  for (const [property, [least, most, what]] of Object.entries(limits)) {
    const value = properties[property as keyof QueueProperties];
    if (value === undefined) continue;
    if (!(Number.isInteger(value) && Number(value) >= least && Number(value) <= most)) {
      throw new BrokerError('argument', `queue '${name}': ${what}, not ${value}`);
    }
  }
  return properties;
}
