import rhea from 'rhea';
import { section, sections, withSection } from './sections.js';
import { encodeSection, items, readText } from './wire.js';

/** Values of application properties, as rhea reads and writes them. */
export type Properties = Record<string, unknown>;

/** The message with these application properties set; all others stay as they are, to the byte. */
export function withProperties(payload: Buffer, changes: Properties): Buffer {
  const encoded = rhea.message.encode({ application_properties: changes });
  const values = [...pairs(payload).filter(({ key }) => !(key in changes)), ...pairs(encoded)];
  const map = encodeSection(
    section.applicationProperties,
    'map',
    values.flatMap(({ keyBytes, valueBytes }) => [keyBytes, valueBytes]),
  );
  return withSection(payload, section.applicationProperties, map);
}

/** Why a message was dead-lettered, where receivers look for it. */
export const deadLetterPayload = (payload: Buffer, reason: string, description: string): Buffer =>
  withProperties(payload, { DeadLetterReason: reason, DeadLetterErrorDescription: description });

function pairs(bytes: Buffer): { key: string; keyBytes: Buffer; valueBytes: Buffer }[] {
  const properties = sections(bytes).find(({ descriptor }) => descriptor === section.applicationProperties);
  if (!properties) return [];
  const ranges = items(bytes, properties.valueStart);
  const found = [];
  for (let at = 0; at + 1 < ranges.length; at += 2) {
    const [key, value] = [ranges[at]!, ranges[at + 1]!];
    found.push({
      key: readText(bytes, key) ?? '',
      keyBytes: bytes.subarray(key.start, key.end),
      valueBytes: bytes.subarray(value.start, value.end),
    });
  }
  return found;
}
