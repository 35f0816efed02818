import { type QueueOptions, queueProperties } from './engine/QueueProperties.js';

export const queueHelp = `
Format of --queue: <name>[:<property>=<value>,...]:
  lock=<seconds>       duration of a receiver's lock on a message (5 to 300; default 60)
  deliveries=<count>   dead-letter a message after this number of failed deliveries (default 10)
  window=<seconds>     duplicate detection window (20 to 604800; default: no duplicate detection)
  ttl=<seconds>        default and upper limit of the time to live of messages (default: unlimited)
  deadletter=<yes|no>  dead-letter expired messages instead of removing them (default no)
  size=<bytes>         largest total size of the queue (default 1073741824)

Example:
  npm run broker -- --folder .local/servicebus --queue provisioning:lock=120,deliveries=10,window=600 --queue other
`;

const SECONDS = 1000;

const properties: Record<string, (value: string) => Partial<QueueOptions>> = {
  lock: (value) => ({ lockDurationMs: number(value) * SECONDS }),
  deliveries: (value) => ({ maxDeliveryCount: number(value) }),
  window: (value) => ({ duplicateWindowMs: number(value) * SECONDS }),
  ttl: (value) => ({ timeToLiveMs: number(value) * SECONDS }),
  deadletter: (value) => ({ deadLetterOnExpiry: yesOrNo(value) }),
  size: (value) => ({ maxSizeBytes: number(value) }),
};

/**
 * Reads a queue from the command line, for example `provisioning:lock=120,window=600`.
 * @throws Error naming the invalid part
 */
export function parseQueue(text: string): QueueOptions {
  const [name = '', ...rest] = text.split(':');
  const options: QueueOptions = { name };
  for (const pair of rest.join(':').split(',').filter(Boolean)) {
    const [key = '', value = ''] = pair.split('=');
    const read = properties[key.trim()];
    if (!read) {
      throw new Error(`--queue ${text}: '${key}' is not one of ${Object.keys(properties).join(', ')}`);
    }
    try {
      Object.assign(options, read(value.trim()));
    } catch (error) {
      throw new Error(`--queue ${text}: ${key} ${(error as Error).message}`, { cause: error });
    }
  }
  queueProperties(options);
  return options;
}

function number(value: string): number {
  if (!/^\d+$/.test(value)) throw new Error(`must be a whole number, not '${value}'`);
  return Number(value);
}

function yesOrNo(value: string): boolean {
  if (value !== 'yes' && value !== 'no') throw new Error(`must be yes or no, not '${value}'`);
  return value === 'yes';
}
