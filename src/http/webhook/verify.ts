import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from '@azure/functions';
import { Webhook } from 'standardwebhooks';
import { withoutMark } from '../body.js';
import { Unauthorized } from '../errors.js';

type Headers = HttpRequest['headers'];

/** The first words of the three headers of a signature. */
const prefixes = ['webhook', 'svix'];

/**
 * Verifies the sender of a webhook. The sender signs by the Standard Webhooks specification (`webhook-id`, `webhook-timestamp` within
 * five minutes, `webhook-signature`; Svix calls the same headers `svix-…`). A sender without signatures sends a secret as the bearer
 * token.
 *
 * @param secrets all valid secrets; a rotation of secrets needs two
 * @param body the raw body, before any parsing
 * @returns the webhook's id; null without a signature, because only a signature makes an id trustworthy
 * @throws Unauthorized `webhook.unauthorized`
 */
export function verifyWebhook(secrets: readonly string[], headers: Headers, body: string): string | null {
  const prefix = prefixes.find((each) => headers.get(`${each}-signature`) !== null);
  if (prefix === undefined) {
    if (hasToken(secrets, headers)) return null;
  } else if (isSigned(secrets, prefix, headers, body)) return headers.get(`${prefix}-id`);
  throw new Unauthorized(
    'webhook.unauthorized',
    'The webhook is not signed with a known secret (webhook-id, webhook-timestamp within five minutes, webhook-signature: https://www.standardwebhooks.com), and carries no known bearer token.',
  );
}

function isSigned(secrets: readonly string[], prefix: string, headers: Headers, body: string): boolean {
  const signatureHeaders = Object.fromEntries(
    ['id', 'timestamp', 'signature'].map((name) => [
      `webhook-${name}`,
      headers.get(`${prefix}-${name}`) ?? '',
    ]),
  );
  // Some senders sign a text, and send the text with a byte order mark.
  const texts = new Set([body, withoutMark(body)]);
  // Every secret is tried. Otherwise the response time would reveal the position of the matching secret.
  return secrets
    .flatMap((secret) => [...texts].map((text) => verifies(new Webhook(secret), signatureHeaders, text)))
    .includes(true);
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

/** Gives all texts the same length, as `timingSafeEqual` requires. */
function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
