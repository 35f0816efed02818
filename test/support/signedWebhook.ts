import { randomBytes, randomUUID } from 'node:crypto';
import { Webhook } from 'standardwebhooks';

export interface SignOptions {
  id?: string;
  /** The time in the signature. */
  at?: Date;
}

/**
 * Signs a webhook with the npm library of senders.
 *
 * @returns the headers
 */
export function signed(
  secret: string,
  body: string,
  { id = `msg_${randomUUID()}`, at = new Date() }: SignOptions = {},
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign(id, at, body),
  };
}

export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}
