import * as z from 'zod';
import { optional, uuid } from '../../shared/schemas.js';
import { noBodyHint, parseJsonObject } from '../body.js';
import { BadRequest } from '../errors.js';
import { provisionBody } from '../provision/parse.js';

/** The parsed body of a webhook. */
export type WebhookEvent =
  /** A request with the body of POST `/api/provision`. */
  | { kind: 'provision'; uuid: string; service: string | undefined }
  /** A new device: provisioned if the device was never requested before. */
  | { kind: 'created'; uuid: string }
  /** A hint of a possible change: a worker checks the device. */
  | { kind: 'check'; uuid: string; type: string }
  /** An event of an unknown type. */
  | { kind: 'ignored'; type: string };

/** The schema of a webhook's body: a request, or an event. */
export const webhookBody = () => z.union([request, event]);

const request = provisionBody.extend({ uuid, type: z.null().optional() });

const device = optional(z.looseObject({ uuid: optional(uuid) }));
const event = z.looseObject({
  type: z.string().min(1).max(100),
  data: optional(z.looseObject({ uuid: optional(uuid), device })),
  device,
});

const checkedTypes = new Set(['online', 'updated', 'deleted']);
const examples =
  '{"uuid": "<32 or 62 hex digits>", "balena_service": "<name>"} or {"type": "created", "data": {"uuid": "<32 or 62 hex digits>"}}';

/**
 * Parses the body of a webhook.
 *
 * @throws BadRequest `webhook.request.bad-body`, `webhook.request.bad-uuid`
 */
export function parseEvent(text: string): WebhookEvent {
  const body = parseJsonObject(text, 'webhook', examples);
  if (!body)
    throw new BadRequest(
      'webhook.request.bad-body',
      `The request has no body. ${noBodyHint} Send, for example: ${examples}`,
    );
  if (!Object.hasOwn(body, 'type') || (body as { type: unknown }).type === null) {
    const { uuid, balena_service: service } = parse(request, body);
    return { kind: 'provision', uuid, service };
  }
  const { type, data, device } = parse(event, body);
  // A type may have a prefix: "device.created" means "created".
  const name = type.toLowerCase().split('.').at(-1) ?? '';
  if (name !== 'created' && !checkedTypes.has(name)) return { kind: 'ignored', type };
  const deviceUuid = data?.uuid ?? data?.device?.uuid ?? device?.uuid;
  if (!deviceUuid) {
    throw new BadRequest(
      'webhook.request.bad-uuid',
      `The event "${name}" names no device. Send the device's UUID at data.uuid, data.device.uuid or device.uuid.`,
    );
  }
  return name === 'created'
    ? { kind: 'created', uuid: deviceUuid }
    : { kind: 'check', uuid: deviceUuid, type: name };
}

function parse<T>(schema: z.ZodType<T>, body: object): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue?.path.join('.');
  throw new BadRequest(
    'webhook.request.bad-body',
    `The body is wrong at "${where}". Send, for example: ${examples}`,
  );
}
