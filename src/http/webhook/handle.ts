import * as z from 'zod';
import type { DeviceRecord } from '../../device/record.js';
import { pendingWork } from '../../device/state.js';
import { type Acceptance, type AcceptDependencies, accept, acceptNew } from '../../provisioning/accept.js';
import { requestCheck } from '../../provisioning/check.js';
import { iso } from '../../shared/time.js';
import type { WebhookEvent } from './parse.js';

/** The answer to a webhook. */
export const eventOutcome = z
  .object({
    outcome: z.enum([
      'accepted',
      'already-provisioned',
      'failed',
      'service-conflict',
      'too-many-keys',
      'revoked',
      'unproved',
      'checked',
      'ignored',
    ]),
    uuid: z.string().optional(),
    requestId: z.string().optional(),
    message: z.string(),
  })
  .meta({ id: 'EventOutcome' });

export type EventOutcome = z.infer<typeof eventOutcome>;

/**
 * Handles an event. Events are hints. Order and repetition of events are harmless: a check reads the real state of the device, and "created"
 * requests credentials only for a device without a record. A check also looks at a device whose request failed for good.
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
  if (event.kind === 'provision')
    return outcomeOf(
      await accept(
        deps,
        { uuid, present: true, service: event.service ?? defaultService, announced: true },
        false,
      ),
    );
  const accepted = event.kind === 'created' ? await acceptNew(deps, uuid, defaultService) : null;
  return accepted ? outcomeOf(accepted) : checkOutcome(uuid, await requestCheck(deps, uuid));
}

/** The answer to an event that requested a check: what happens next. */
function checkOutcome(uuid: string, record: DeviceRecord | null): EventOutcome {
  const work = record && pendingWork(record);
  if (!work)
    return { outcome: 'ignored', uuid, message: 'No request was ever made for the device: nothing happens.' };
  return {
    outcome: 'checked',
    uuid,
    requestId: record.desired.requestId,
    message: `A worker checks the device at ${iso(work.due)} or soon after.`,
  };
}

function outcomeOf({ kind, record }: Acceptance): EventOutcome {
  const { uuid, desired, error } = record;
  const outcome = kind === 'checking' ? 'checked' : kind;
  return { outcome, uuid, requestId: desired.requestId, message: messages[kind](uuid, error) };
}

const messages: Record<Acceptance['kind'], (uuid: string, error: DeviceRecord['error']) => string> = {
  accepted: (uuid) => `Accepted. Read the state at /api/provision/${uuid}.`,
  checking: () =>
    'The device was provisioned before. A worker checks its variables in balena, and repairs them.',
  'already-provisioned': () => 'The device is already provisioned.',
  failed: (_, error) => error?.message ?? 'The request has failed.',
  'service-conflict': () => 'The credentials are or were just moving to another service.',
  'too-many-keys': () => 'The device has requested too many other own keys.',
  revoked: () => 'The own certificate of the device is revoked.',
  unproved: () => 'The device has an own key. Only the device itself can request an issued key.',
};
