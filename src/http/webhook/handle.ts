import { z } from 'zod';
import { type AcceptDependencies, accept, acceptNew } from '../../provisioning/accept.js';
import { check } from '../../provisioning/check.js';
import type { WebhookEvent } from './parse.js';

/** What became of an event, for its sender. */
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
 * Does what an event asks for. Events are hints: their order and their repetition can do no harm, because a check looks up what
 * is true, and only an event "created" makes a wish of a hint, and only where nothing was asked for yet.
 *
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: asking again is harmless
 */
export async function handleEvent(
  deps: AcceptDependencies,
  event: WebhookEvent,
  defaultService: string,
): Promise<EventOutcome> {
  if (event.kind === 'ignored') {
    return {
      outcome: 'ignored',
      message: `Events of the type "${event.type}" are ignored; created, online, updated and deleted are not.`,
    };
  }
  const { uuid } = event;
  if (event.kind === 'check') {
    await check(deps, uuid);
    return {
      outcome: 'checked',
      uuid,
      message: 'A worker looks whether the device is as it should be, if it was ever asked for.',
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
      message: 'The device has been asked for already: "created" changes nothing.',
    };
  }
  const { kind, record } = answer;
  const { requestId } = record.desired;
  if (kind === 'accepted')
    return { outcome: kind, uuid, requestId, message: `Accepted. Its state is at /api/provision/${uuid}.` };
  if (kind === 'failed')
    return { outcome: kind, uuid, requestId, message: record.error?.message ?? 'The request has failed.' };
  if (kind === 'service-conflict') {
    return {
      outcome: kind,
      uuid,
      requestId,
      message: 'Its credentials were moved to another service less than ten minutes ago.',
    };
  }
  return { outcome: kind, uuid, requestId, message: 'The device is already provisioned.' };
}
