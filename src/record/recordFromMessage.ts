import type { ProvisioningMessage } from '../message/ProvisioningMessage.js';
import type { DeviceRecord } from './DeviceRecord.js';
import { newRecord } from './newRecord.js';

/**
 * The record of a device whose record was lost, from a message that was under way: all that is owed is in it. What the device
 * holds is found out by the worker.
 *
 * @param now Unix ms
 */
export function recordFromMessage(
  { uuid, requestId, n, operation, service, traceparent }: ProvisioningMessage,
  now: number,
): DeviceRecord {
  const present = operation === 'provision';
  const record = newRecord(
    uuid,
    { present, service: present ? (service ?? '') : null, requestId, requestedAt: now },
    now,
  );
  const ticket: DeviceRecord['ticket'] = { n, kind: 'change', due: now };
  if (traceparent !== undefined) ticket.traceparent = traceparent;
  return { ...record, ticket, firstN: n, lastN: n };
}
