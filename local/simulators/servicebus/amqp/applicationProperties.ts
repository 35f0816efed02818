import { BrokerError } from '../engine/BrokerError.js';
import type { Rewrite } from '../engine/Message.js';
import { section, sections, withSection } from './messageSections.js';
import { encodedNull, encodeSection, encodeString, items, readText } from './wire.js';

/** An application property. Key and value are encoded, so the value keeps its AMQP type. */
export interface EncodedProperty {
  key: string;
  keyBytes: Buffer;
  valueBytes: Buffer;
}

/** The properties in which receivers look for the reason and the description of a dead letter. */
const deadLetterProperties = ['DeadLetterReason', 'DeadLetterErrorDescription'] as const;

/** Most bytes of all sections before the body, and of one application property. */
const maxHeaderBytes = 65_536;
const maxPropertyBytes = 32_768;

/** Most characters of the reason and of the description of a dead letter. */
const maxReasonLength = 4096;

/**
 * Checks the sizes of the application properties of an encoded message, and the size of everything before the body.
 * @throws BrokerError `message-too-large` or, for a single property, `internal`, both as Service Bus answers
 */
export function checkPropertySizes(payload: Buffer, all = sections(payload)): void {
  const before = all.filter(({ descriptor }) => descriptor < section.data);
  const size = before.reduce((sum, { start, end }) => sum + end - start, 0);
  // A small header cannot contain a large property.
  if (size <= maxPropertyBytes) return;
  if (size > maxHeaderBytes) {
    throw new BrokerError(
      'message-too-large',
      'A serialization error occurred while processing the message header stream with sequence number 0. The ' +
        `serialization process return the following message: The size quota for this stream (${maxHeaderBytes}) has been exceeded.`,
    );
  }
  if (propertiesOf(payload).some(({ valueBytes }) => valueBytes.length > maxPropertyBytes)) {
    throw new BrokerError(
      'internal',
      'The service was unable to process the request; please retry the operation. (Local broker: an application ' +
        `property has more than ${maxPropertyBytes} bytes.)`,
    );
  }
}

/**
 * The change of a message by a settlement.
 * @returns undefined if the settlement changes no property
 * @throws BrokerError `argument` if the reason or the description of a dead letter is too long. The returned function throws
 *   the errors of {@link checkPropertySizes}.
 */
export function rewriteWith(changes: EncodedProperty[]): Rewrite | undefined {
  for (const { key, valueBytes } of changes) {
    const text = (deadLetterProperties as readonly string[]).includes(key) ? textOf(valueBytes) : undefined;
    if (text !== undefined && text.length > maxReasonLength) {
      throw new BrokerError('argument', `${key}: the maximum permitted length is ${maxReasonLength}.`);
    }
  }
  if (changes.length === 0) return undefined;
  return (payload) => {
    const rewritten = withProperties(payload, changes);
    checkPropertySizes(rewritten);
    return rewritten;
  };
}

const textOf = (bytes: Buffer) => readText(bytes, { start: 0, end: bytes.length });

/** Sets application properties in an encoded message. All other bytes stay unchanged. */
export function withProperties(payload: Buffer, changes: EncodedProperty[]): Buffer {
  const changed = new Set(changes.map(({ key }) => key));
  const values = [...propertiesOf(payload).filter(({ key }) => !changed.has(key)), ...changes];
  const map = encodeSection(
    section.applicationProperties,
    'map',
    values.flatMap(({ keyBytes, valueBytes }) => [keyBytes, valueBytes]),
  );
  return withSection(payload, section.applicationProperties, map);
}

/** Sets the reason and the description of a dead letter. */
export const deadLetterPayload = (payload: Buffer, reason: string, description: string): Buffer =>
  withProperties(payload, [
    textProperty(deadLetterProperties[0], reason),
    textProperty(deadLetterProperties[1], description),
  ]);

function textProperty(key: string, value: string): EncodedProperty {
  return { key, keyBytes: encodeString(key), valueBytes: encodeString(value) };
}

/** The application properties of an encoded message. */
function propertiesOf(payload: Buffer): EncodedProperty[] {
  const found = sections(payload).find(({ descriptor }) => descriptor === section.applicationProperties);
  return found ? mapEntries(payload, found.valueStart) : [];
}

/** The entries of the encoded map that begins at `at`. */
function mapEntries(bytes: Buffer, at: number): EncodedProperty[] {
  const ranges = items(bytes, at);
  const found: EncodedProperty[] = [];
  for (let n = 0; n + 1 < ranges.length; n += 2) {
    const [key, value] = [ranges[n]!, ranges[n + 1]!];
    found.push({
      key: readText(bytes, key) ?? '',
      keyBytes: bytes.subarray(key.start, key.end),
      valueBytes: bytes.subarray(value.start, value.end),
    });
  }
  return found;
}

/** The properties of a settlement. Null leaves a property of the message unchanged. */
const given = (entries: EncodedProperty[]) =>
  entries.filter(({ valueBytes }) => valueBytes[0] !== encodedNull[0]);

/**
 * The properties that a disposition on a link changes.
 * @param entries an encoded list of keys and values in turn
 */
export const propertiesOfDisposition = (entries: Buffer | undefined): EncodedProperty[] =>
  entries ? given(mapEntries(entries, 0)) : [];

/** The names of the reason and the description in a management request. */
const namesInRequest: Record<string, string> = {
  'deadletter-reason': deadLetterProperties[0],
  'deadletter-description': deadLetterProperties[1],
};

/** The properties that an `update-disposition` request changes. @param request the encoded message */
export function propertiesOfRequest(request: Buffer): EncodedProperty[] {
  const body = sections(request).find(({ descriptor }) => descriptor === section.value);
  if (!body) return [];
  const entries = mapEntries(request, body.valueStart);
  const changes = entries.find(({ key }) => key === 'properties-to-modify');
  const named = entries.flatMap(({ key, valueBytes }) => {
    const name = namesInRequest[key];
    return name === undefined ? [] : [{ key: name, keyBytes: encodeString(name), valueBytes }];
  });
  const map = changes && given([changes])[0];
  return given([...(map ? mapEntries(map.valueBytes, 0) : []), ...named]);
}
