import { newSecret, type SignOptions, signed } from '../../support/signedWebhook.js';
import type { Answer, ProvisionApi } from './provisionApi.js';

/** A sender of webhooks. */
export interface Sender {
  /** Signs and sends a body. A text is sent unchanged, other values as JSON. */
  send(body: unknown, options?: SignOptions): Promise<Answer>;
}

export { newSecret };

export function senderWith(secret: string, { call }: ProvisionApi): Sender {
  return {
    send(body, options) {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      return call('POST', '/api/webhook', { body: text, headers: signed(secret, text, options) });
    },
  };
}

export const event = (type: string, uuid: string) => ({ type, data: { uuid } });
