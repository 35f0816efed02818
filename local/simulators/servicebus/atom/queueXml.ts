import type { EpochMs } from '../../../../src/shared/time.js';
import { BrokerError } from '../engine/BrokerError.js';
import type { Queue } from '../engine/Queue.js';
import type { QueueOptions, QueueProperties } from '../engine/QueueProperties.js';

const MEGABYTE = 1024 * 1024;
const defaultWindowMs = 10 * 60 * 1000;

/** Properties with a single supported value. */
const fixed: Record<string, string> = {
  RequiresSession: 'false',
  EnableBatchedOperations: 'true',
  Status: 'Active',
  EnablePartitioning: 'false',
  EnableExpress: 'false',
  EntityAvailabilityStatus: 'Available',
  MaxMessageSizeInKilobytes: '256',
};

/** Writes a queue as the management API describes queues. The order of the elements is the order of Service Bus. */
export function writeDescription({ record, messages, accessedAt }: Queue): string {
  const { properties } = record;
  const { main, dead } = messages;
  const iso = (ms: number) => new Date(ms).toISOString();
  return (
    '<QueueDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect" ' +
    'xmlns:i="http://www.w3.org/2001/XMLSchema-instance">' +
    elements({
      LockDuration: formatDuration(properties.lockDurationMs),
      MaxSizeInMegabytes: inMegabytes(properties.maxSizeBytes),
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
 * Reads the requested properties of a queue.
 * @param present the properties of an existing queue
 * @throws BrokerError `not-supported` for a property value that this broker does not support, `argument` for an invalid
 *   value
 */
export function readDescription(
  fields: Map<string, string>,
  present?: QueueProperties,
): Omit<QueueOptions, 'name'> {
  for (const [name, only] of Object.entries(fixed)) checkSupported(fields, name, (value) => value === only);
  checkSupported(fields, 'AutoDeleteOnIdle', (value) => parseDuration(value) === undefined);
  for (const name of ['ForwardTo', 'ForwardDeadLetteredMessagesTo', 'UserMetadata']) {
    checkSupported(fields, name, (value) => value === '');
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
    maxSizeBytes: given('MaxSizeInMegabytes', (value) => sizeOf(Number(value), present)),
  };
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** The sizes of a queue that Service Bus knows, in megabytes. */
const knownSizes = [1024, 2048, 3072, 4096, 5120];

/**
 * The size of a queue in bytes. An existing queue of this broker may have another size, and an update may leave the size
 * unchanged.
 * @throws BrokerError `argument` with the text of Service Bus
 */
function sizeOf(megabytes: number, present: QueueProperties | undefined): number {
  if (present && inMegabytes(present.maxSizeBytes) === megabytes) return present.maxSizeBytes;
  if (knownSizes.includes(megabytes)) return megabytes * MEGABYTE;
  throw new BrokerError(
    'argument',
    `The specified value ${megabytes} is invalid. The property MaxSizeInMegabytes, must be one of the following values: ` +
      `${knownSizes.join(';')}. To know more visit https://aka.ms/sbResourceMgrExceptions.`,
  );
}

const inMegabytes = (bytes: number) => Math.ceil(bytes / MEGABYTE);

function checkSupported(
  fields: Map<string, string>,
  name: string,
  isSupported: (value: string) => boolean,
): void {
  const value = fields.get(name);
  if (value === undefined || isSupported(value)) return;
  throw new BrokerError('not-supported', `Not supported by the local broker: ${name} '${value}'.`);
}

/** .NET's longest time span. Service Bus uses this value for "unlimited". */
const unlimited = 'P10675199DT2H48M5.4775807S';

const pattern = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const longestDays = 10_675_199;

/**
 * Reads an ISO 8601 duration such as `PT1M`.
 * @returns milliseconds; undefined for "unlimited"
 * @throws BrokerError `argument` if the text is not a duration
 */
function parseDuration(text: string): number | undefined {
  const parts = pattern.exec(text);
  if (!parts || text === 'P') throw new BrokerError('argument', `'${text}' is not an ISO 8601 duration.`);
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  if (days >= longestDays) return undefined;
  return Math.round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

/** @param ms undefined for unlimited */
function formatDuration(ms: number | undefined): string {
  if (ms === undefined) return unlimited;
  const seconds = (ms / 1000) % 60;
  const minutes = Math.floor(ms / 60_000) % 60;
  const hours = Math.floor(ms / 3_600_000) % 24;
  const days = Math.floor(ms / 86_400_000);
  const time = [hours && `${hours}H`, minutes && `${minutes}M`, seconds && `${seconds}S`]
    .filter(Boolean)
    .join('');
  return `P${days ? `${days}D` : ''}${time ? `T${time}` : ''}`.replace(/^P$/, 'PT0S');
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (char) => `&${Object.keys(entities).find((name) => entities[name] === char)};`);

const unescapeXml = (text: string): string =>
  text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => entities[name]!);

/** Writes one element for each value, in the given order. Undefined values are left out. */
export const elements = (values: Record<string, string | number | boolean | undefined>): string =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`)
    .join('');

/**
 * Reads the elements that contain only text. A queue description has no other elements that matter here.
 * @param root name of the element around the elements
 */
export function textElements(xml: string, root: string): Map<string, string> | undefined {
  const found = new RegExp(`<${root}(?:\\s[^>]*?)?(?:/>|>([\\s\\S]*)</${root}>)`).exec(xml);
  if (!found) return undefined;
  const inside = found[1] ?? '';
  return new Map(
    [...inside.matchAll(/<(\w+)>([^<]*)<\/\1>/g)].map(([, name, text]) => [name!, unescapeXml(text!)]),
  );
}

const head = '<?xml version="1.0" encoding="utf-8"?>';
const atom = 'xmlns="http://www.w3.org/2005/Atom"';

export interface Entry {
  /** Absolute address. The SDK reads the entity's name from this address. */
  id: string;
  title: string;
  updatedAt: EpochMs;
  /** XML. */
  content: string;
}

export const entryXml = (entry: Entry): string => head + entryElement(entry);

/** @param next address of the next page */
export const feedXml = (id: string, entries: Entry[], next: string | undefined): string =>
  `${head}<feed ${atom}><title type="text">Queues</title><id>${escapeXml(id)}</id>` +
  `<updated>${new Date().toISOString()}</updated><link rel="self" href="${escapeXml(id)}"/>` +
  (next === undefined ? '' : `<link rel="next" href="${escapeXml(next)}"/>`) +
  `${entries.map(entryElement).join('')}</feed>`;

export const errorXml = (status: number, detail: string): string =>
  `${head}<Error><Code>${status}</Code><Detail>${escapeXml(detail)}</Detail></Error>`;

const entryElement = ({ id, title, updatedAt, content }: Entry): string =>
  `<entry ${atom}><id>${escapeXml(id)}</id><title type="text">${escapeXml(title)}</title>` +
  `<updated>${new Date(updatedAt).toISOString()}</updated><link rel="self" href="${escapeXml(id)}"/>` +
  `<content type="application/xml">${content}</content></entry>`;
