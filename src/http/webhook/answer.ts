import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { AcceptDependencies } from '../../provisioning/accept.js';
import { ProvisioningError } from '../../shared/errors.js';
import { CallTimeout, withDeadline } from '../../shared/network.js';
import { readBody } from '../body.js';
import { type EventOutcome, handleEvent } from './handle.js';
import type { HandledWebhooks } from './handled.js';
import { parseEvent } from './parse.js';
import { verifyWebhook } from './verify.js';

export interface WebhookDependencies extends AcceptDependencies {
  handledWebhooks: HandledWebhooks;
  config: { webhookSecrets: readonly string[]; defaultService: string };
}

/** Senders give up after 10 s or more. */
const answerWithinMs = 9_000;

/**
 * Takes a webhook. A webhook that was handled before is answered as the first time.
 *
 * @throws Unauthorized, BadRequest, ProvisioningError (a 503: the sender repeats it, which is harmless)
 */
export async function answerWebhook(
  deps: WebhookDependencies,
  request: HttpRequest,
): Promise<HttpResponseInit> {
  const body = await readBody(request, 'webhook');
  const id = verifyWebhook(deps.config.webhookSecrets, request.headers, body);
  const event = parseEvent(body);
  const outcome = await answerInTime(async () => {
    const before = id && (await deps.handledWebhooks.outcomeOf(id));
    if (before) return before;
    const now = await handleEvent(deps, event, deps.config.defaultService);
    if (id) await deps.handledWebhooks.add(id, now);
    return now;
  });
  return { status: 202, headers: { 'content-type': 'application/json' }, body: JSON.stringify(outcome) };
}

async function answerInTime(handle: () => Promise<EventOutcome>): Promise<EventOutcome> {
  try {
    return await withDeadline(answerWithinMs, handle);
  } catch (error) {
    if (!(error instanceof CallTimeout)) throw error;
    throw new ProvisioningError('timed-out', 'The webhook was not handled in time.');
  }
}
