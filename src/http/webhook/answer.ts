import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import type { AcceptDependencies } from '../../provisioning/accept.js';
import { ProvisioningError } from '../../shared/errors.js';
import { CallTimeout, withDeadline } from '../../shared/network.js';
import { jsonText } from '../../shared/printable.js';
import { noBodyHint, readBody, withoutMark } from '../body.js';
import { Unauthorized } from '../errors.js';
import { type EventOutcome, handleEvent } from './handle.js';
import type { HandledWebhooks } from './handled.js';
import { parseEvent } from './parse.js';
import { verifyWebhook } from './verify.js';

/** Everything that a webhook uses. */
export interface WebhookDependencies extends AcceptDependencies {
  handledWebhooks: HandledWebhooks;
  config: { webhookSecrets: readonly string[]; defaultService: string };
}

/** The longest time for an answer, after up to 3 s in the request limit. Senders of webhooks usually wait for at least 10 s. */
const answerWithinMs = 6_500;

/**
 * Answers a webhook. A repeated webhook with the same id and the same body gets the first answer again.
 *
 * @throws Unauthorized `webhook.unauthorized`
 * @throws BadRequest `webhook.request.…`
 * @throws ProvisioningError as a 503: the sender repeats the webhook, and the repetition is harmless
 */
export async function answerWebhook(
  deps: WebhookDependencies,
  request: HttpRequest,
): Promise<HttpResponseInit> {
  const body = await readBody(request, 'webhook');
  const id = verified(deps.config.webhookSecrets, request.headers, body);
  const event = parseEvent(body);
  const outcome = await answerInTime(async () => {
    const webhook = id === null ? null : { id, body: withoutMark(body) };
    const earlier = webhook && (await deps.handledWebhooks.outcomeOf(webhook));
    if (earlier) return earlier;
    const outcome = await handleEvent(deps, event, deps.config.defaultService);
    if (webhook) await deps.handledWebhooks.add(webhook, outcome);
    return outcome;
  });
  return { status: 202, headers: { 'content-type': 'application/json' }, body: jsonText(outcome) };
}

/** Checks the signature. A signature of a body that did not arrive is wrong, and the error says why. */
function verified(...[secrets, headers, body]: Parameters<typeof verifyWebhook>): string | null {
  try {
    return verifyWebhook(secrets, headers, body);
  } catch (error) {
    if (!(error instanceof Unauthorized) || body !== '') throw error;
    throw new Unauthorized(error.code, `${error.message} The request has no body. ${noBodyHint}`);
  }
}

async function answerInTime(handle: () => Promise<EventOutcome>): Promise<EventOutcome> {
  try {
    return await withDeadline(answerWithinMs, handle);
  } catch (error) {
    if (!(error instanceof CallTimeout)) throw error;
    throw new ProvisioningError('timed-out', 'The webhook was not handled in time.');
  }
}
