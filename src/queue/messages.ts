import * as z from 'zod';
import type { OwnKey } from '../device/record.js';
import { mostRetired } from '../device/request.js';
import { serviceName, uuid } from '../shared/schemas.js';

/** The version of written messages, and the newest readable version. */
export const version = 1;
/** A worker reads every earlier version, too: messages of the previous release are in the queue during a deployment. */
const readableVersion = z.int().min(1).max(version);
/** SHA-256 in hexadecimal digits has 64 characters. */
const longestThumbprint = 128;

const thumbprints = z.array(z.string().max(longestThumbprint)).max(mostRetired).readonly().optional();

/** A certificate, or a public key, in base64. An RSA key of 4,096 bits signed with such a key needs less than 3,000 characters. */
const derText = z.string().max(8_192);

const publicKey = z.object({
  key: z.string().max(longestThumbprint),
  keyAlgorithm: z.string().max(100),
  before: z.string().max(longestThumbprint).nullable(),
  handedOver: z.literal(true).optional(),
});

const ownKey = z
  .union([
    publicKey.extend({
      thumbprint: z.string().max(longestThumbprint),
      notBefore: z.number(),
      notAfter: z.number(),
      certificate: derText.optional(),
    }),
    publicKey.extend({ thumbprint: z.null(), publicKey: derText }),
  ])
  .transform(({ handedOver, ...rest }): OwnKey => ({ ...rest, ...(handedOver && { handedOver }) }));

/** The most messages in `copyOf`. More messages need several stalled processes, or several acts of operators, within one outage. */
export const mostCopied = 4;

const provisioningSchema = z.object({
  v: readableVersion,
  uuid,
  requestId: z.uuid(),
  /** The generation of the job or check. */
  generation: z.int().nonnegative(),
  /** The moment (Unix ms) for which the message was scheduled. */
  due: z.int().nonnegative(),
  /** A copy of a message: when the copied message became active. A worker recognises the copy of a dead letter that an operator has resent. */
  copyOf: z
    .array(z.object({ due: z.number(), from: z.string().max(40).optional(), activeAt: z.number() }))
    .max(mostCopied)
    .readonly()
    .optional(),
  /** A copy: the sequence number of the copied message. `due` and `from` tell the messages of a job apart. */
  from: z.string().max(40).optional(),
  operation: z.enum(['provision', 'deprovision']),
  /** Null when deprovisioning, and with an own key. */
  service: serviceName.nullable(),
  /** The own key of the device; missing with an issued key, and when deprovisioning. */
  own: ownKey.optional(),
  /** The device has proved its identity. */
  proved: z.literal(true).optional(),
  /** The thumbprints to retire and to revoke; none if missing. */
  retire: thumbprints,
  revoke: thumbprints,
  /** The keys to revoke; none if missing. */
  revokedKeys: thumbprints,
  /** The trace of the request (W3C). An invalid value counts as missing and does not make the message invalid. */
  traceparent: z.string().length(55).optional().catch(undefined),
});

/** The message of a job or check. The message makes a worker process the device. Only if the record was lost does the worker use operation, service, own key, proof and thumbprints. */
export type ProvisioningMessage = z.infer<typeof provisioningSchema>;

/** A message that this version cannot process. `reason` and the error message go to the dead letter. */
export class BadMessage extends Error {
  constructor(
    readonly reason: 'bad-message',
    description: string,
  ) {
    super(description);
    this.name = 'BadMessage';
  }
}

/** A message of a newer version of this program. A worker of that version can process the message. */
export class NewerMessage extends Error {
  constructor(readonly content: object) {
    super('A newer version of this program has sent the message.');
    this.name = 'NewerMessage';
  }
}

/**
 * The content of a message's body. The host hands over the bytes of a message that was sent as data, and the value of a message that
 * another tool has sent as an AMQP value.
 *
 * @throws BadMessage if the body is not JSON in UTF-8
 */
export function contentOf(body: unknown): unknown {
  try {
    const text = body instanceof Uint8Array ? new TextDecoder('utf-8', { fatal: true }).decode(body) : body;
    return typeof text === 'string' ? JSON.parse(text) : text;
  } catch {
    // The parser's message quotes the body and must not be shown.
    throw new BadMessage('bad-message', 'The message is not a JSON object.');
  }
}

/**
 * Reads a message of the queue.
 *
 * @throws BadMessage with the names of the wrong fields, without any of their values
 * @throws NewerMessage for a version above `version`
 */
export function parseMessage(body: unknown): ProvisioningMessage {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new BadMessage('bad-message', 'The message is not a JSON object.');
  }
  const v = (body as { v?: unknown }).v;
  if (typeof v === 'number' && v > version) {
    throw new NewerMessage(body);
  }
  const parsed = provisioningSchema.safeParse(body);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path }) => String(path[0])))].join(', ');
    throw new BadMessage('bad-message', `These fields of the message are missing or wrong: ${fields}.`);
  }
  return parsed.data;
}

const actionSchema = z.object({
  v: readableVersion,
  /** The bulk action. */
  action: z.uuid(),
  /** The generation of the wake-up message. Older generations are ignored. */
  generation: z.int().nonnegative(),
  /** The moment (Unix ms) for which the message was scheduled. */
  due: z.int().nonnegative(),
});

/** The wake-up message of a bulk action. A worker continues the action, even if the process that started the action has ended. */
export type WakeUpMessage = z.infer<typeof actionSchema>;

/** Reads a wake-up message of a bulk action. @returns null for every other message */
export function readWakeUpMessage(body: unknown): WakeUpMessage | null {
  return actionSchema.safeParse(body).data ?? null;
}
