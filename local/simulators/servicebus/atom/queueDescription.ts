import { BrokerError } from '../engine/BrokerError.js';
import type { Queue } from '../engine/Queue.js';
import type { QueueOptions } from '../engine/QueueProperties.js';
import { formatDuration, parseDuration } from './duration.js';
import { elements } from './xml.js';

const MEGABYTE = 1024 * 1024;
const defaultWindowMs = 10 * 60 * 1000;

/** What the broker has only one value of. */
const fixed: Record<string, string> = {
  RequiresSession: 'false',
  EnableBatchedOperations: 'true',
  Status: 'Active',
  EnablePartitioning: 'false',
  EnableExpress: 'false',
  EntityAvailabilityStatus: 'Available',
  MaxMessageSizeInKilobytes: '256',
};

/** A queue as the management API describes it; the order of the elements is the service's. */
export function writeDescription({ record, messages, accessedAt }: Queue): string {
  const { properties } = record;
  const { main, dead } = messages;
  const iso = (ms: number) => new Date(ms).toISOString();
  return (
    '<QueueDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect" ' +
    'xmlns:i="http://www.w3.org/2001/XMLSchema-instance">' +
    elements({
      LockDuration: formatDuration(properties.lockDurationMs),
      MaxSizeInMegabytes: Math.ceil(properties.maxSizeBytes / MEGABYTE),
      RequiresDuplicateDetection: properties.duplicateWindowMs !== undefined,
      RequiresSession: fixed.RequiresSession,
      DefaultMessageTimeToLive: formatDuration(properties.timeToLiveMs),
      DeadLetteringOnMessageExpiration: properties.deadLetterOnExpiry,
      DuplicateDetectionHistoryTimeWindow: formatDuration(properties.duplicateWindowMs ?? defaultWindowMs),
      MaxDeliveryCount: properties.maxDeliveryCount,
      EnableBatchedOperations: fixed.EnableBatchedOperations,
      SizeInBytes: messages.size,
      MessageCount: main.messages.size + dead.messages.size,
      Status: fixed.Status,
      CreatedAt: iso(record.createdAt),
      UpdatedAt: iso(record.updatedAt),
      AccessedAt: iso(accessedAt),
    }) +
    '<CountDetails xmlns:d2p1="http://schemas.microsoft.com/netservices/2011/06/servicebus">' +
    elements({
      'd2p1:ActiveMessageCount': main.counts.available + main.counts.locked,
      'd2p1:DeadLetterMessageCount': dead.messages.size,
      'd2p1:ScheduledMessageCount': main.counts.scheduled,
      'd2p1:TransferMessageCount': 0,
      'd2p1:TransferDeadLetterMessageCount': 0,
    }) +
    '</CountDetails>' +
    elements({
      AutoDeleteOnIdle: formatDuration(undefined),
      EnablePartitioning: fixed.EnablePartitioning,
      EntityAvailabilityStatus: fixed.EntityAvailabilityStatus,
      EnableExpress: fixed.EnableExpress,
      MaxMessageSizeInKilobytes: fixed.MaxMessageSizeInKilobytes,
    }) +
    '</QueueDescription>'
  );
}

/**
 * Reads what a client asks a queue to be.
 * @throws BrokerError `not-supported` for what the broker does not have, `argument` for what makes no sense
 */
export function readDescription(fields: Map<string, string>): Omit<QueueOptions, 'name'> {
  for (const [name, only] of Object.entries(fixed)) refuseUnless(fields, name, (value) => value === only);
  refuseUnless(fields, 'AutoDeleteOnIdle', (value) => parseDuration(value) === undefined);
  for (const name of ['ForwardTo', 'ForwardDeadLetteredMessagesTo', 'UserMetadata']) {
    refuseUnless(fields, name, (value) => value === '');
  }
  const given = <T>(name: string, read: (value: string) => T): T | undefined => {
    const value = fields.get(name);
    return value === undefined ? undefined : read(value);
  };
  const windowMs = given('DuplicateDetectionHistoryTimeWindow', parseDuration) ?? defaultWindowMs;
  const options: Record<keyof Omit<QueueOptions, 'name'>, unknown> = {
    lockDurationMs: given('LockDuration', parseDuration),
    maxDeliveryCount: given('MaxDeliveryCount', Number),
    duplicateWindowMs: fields.get('RequiresDuplicateDetection') === 'true' ? windowMs : undefined,
    timeToLiveMs: given('DefaultMessageTimeToLive', parseDuration),
    deadLetterOnExpiry: given('DeadLetteringOnMessageExpiration', (value) => value === 'true'),
    maxSizeBytes: given('MaxSizeInMegabytes', (value) => Number(value) * MEGABYTE),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function refuseUnless(fields: Map<string, string>, name: string, isFine: (value: string) => boolean): void {
  const value = fields.get(name);
  if (value === undefined || isFine(value)) return;
  throw new BrokerError('not-supported', `Not supported by the local broker: ${name} '${value}'.`);
}
