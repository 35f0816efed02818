import { z } from 'zod';
import { type AcceptDependencies, accept, acceptNew } from '../../provisioning/accept.js';
import { requestCheck } from '../../provisioning/check.js';
import type { WebhookEvent } from './parse.js';

/** The answer to a webhook. */
export const eventOutcome = z
  .object({
    outcome: z.enum(['accepted', 'already-provisioned', 'failed', 'service-conflict', 'checked', 'ignored']),
    uuid: z.string().optional(),
    requestId: z.string().optional(),
    message: z.string(),
  })
  .meta({ id: 'EventOutcome' });

export type EventOutcome = z.infer<typeof eventOutcome>;

/**
 * Handles an event. Events are hints. Order and repetition of events are harmless: a check reads the real state of the device, and
 * "created" requests credentials only for a device without a record.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: a repetition of the event is harmless
 */
export async function handleEvent(
  deps: AcceptDependencies,
  event: WebhookEvent,
  defaultService: string,
): Promise<EventOutcome> {
  if (event.kind === 'ignored') {
    return {
      outcome: 'ignored',
      message: `Events of the type "${event.type}" are ignored. Handled types: created, online, updated, deleted.`,
    };
  }
  const { uuid } = event;
  if (event.kind === 'check') {
    await requestCheck(deps, uuid);
    return {
      outcome: 'checked',
      uuid,
      message: 'A worker checks the device, if the device was ever requested.',
    };
  }
  const answer =
    event.kind === 'created'
      ? await acceptNew(deps, uuid, defaultService)
      : await accept(deps, { uuid, present: true, service: event.service ?? defaultService });
  if (!answer) {
    return {
      outcome: 'ignored',
      uuid,
      message: 'The device was requested before: "created" changes nothing.',
    };
  }
  const { kind, record } = answer;
  const { requestId } = record.desired;
  if (kind === 'accepted')
    return { outcome: kind, uuid, requestId, message: `Accepted. Read the state at /api/provision/${uuid}.` };
  if (kind === 'failed')
    return { outcome: kind, uuid, requestId, message: record.error?.message ?? 'The request has failed.' };
  if (kind === 'service-conflict') {
    return {
      outcome: kind,
      uuid,
      requestId,
      message: 'A request for another service was accepted less than ten minutes ago.',
    };
  }
  return { outcome: kind, uuid, requestId, message: 'The device is already provisioned.' };
}
