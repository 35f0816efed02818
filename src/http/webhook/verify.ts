import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from '@azure/functions';
import { Webhook } from 'standardwebhooks';
import { Unauthorized } from '../errors.js';

type Headers = HttpRequest['headers'];

/**
 * Is this from someone who knows one of the secrets? Signed by the Standard Webhooks specification (`webhook-id`,
 * `webhook-timestamp` within five minutes, `webhook-signature`), or, for senders that cannot sign, with a secret as the bearer token.
 *
 * @param secrets any of them is valid, so that they can be rotated
 * @param body the raw body: it is not parsed before this
 * @returns the webhook's id, if the sender gave one
 * @throws Unauthorized
 */
export function verifyWebhook(secrets: readonly string[], headers: Headers, body: string): string | null {
  const id = headers.get('webhook-id');
  const signed = headers.get('webhook-signature') !== null;
  const known = signed ? isSigned(secrets, headers, body) : hasToken(secrets, headers);
  if (known) return id;
  throw new Unauthorized(
    'webhook.unauthorized',
    'The webhook is not signed with a known secret (webhook-id, webhook-timestamp within five minutes, webhook-signature: https://www.standardwebhooks.com), and carries no known bearer token.',
  );
}

function isSigned(secrets: readonly string[], headers: Headers, body: string): boolean {
  const given = Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, headers.get(name) ?? '']),
  );
  // All are tried, so that the time it takes does not tell which one it was.
  return secrets.map((secret) => verifies(new Webhook(secret), given, body)).includes(true);
}

function verifies(webhook: Webhook, headers: Record<string, string>, body: string): boolean {
  try {
    webhook.verify(body, headers, { jsonParse: false });
    return true;
  } catch {
    return false;
  }
}

function hasToken(secrets: readonly string[], headers: Headers): boolean {
  const token = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  if (!token) return false;
  return secrets.map((secret) => timingSafeEqual(sha256(secret), sha256(token))).includes(true);
}

/** Of one length, whatever is compared. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
