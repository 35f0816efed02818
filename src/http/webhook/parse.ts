import { z } from 'zod';
import { uuid } from '../../shared/schemas.js';
import { BadRequest } from '../errors.js';

/** What a webhook asks for. */
export type WebhookEvent =
  /** A request, as the provision API takes it. */
  | { kind: 'provision'; uuid: string; service: string | undefined }
  /** A device that is new: provisioned if nothing was asked for it yet. */
  | { kind: 'created'; uuid: string }
  /** A hint that something may have changed: what is true is looked up. */
  | { kind: 'check'; uuid: string; type: string }
  | { kind: 'ignored'; type: string };

/** The two forms of a webhook's body. */
export const webhookBody = () => z.union([request, event]);

const request = z.strictObject({
  uuid,
  balena_service: z
    .string()
    .max(255)
    .refine((name) => name !== 'undefined')
    .optional(),
});

const device = z.looseObject({ uuid: uuid.optional() }).optional();
const event = z.looseObject({
  type: z.string().min(1).max(100),
  data: z.looseObject({ uuid: uuid.optional(), device }).optional(),
  device,
});

const checks = new Set(['online', 'updated', 'deleted']);
const forms =
  '{"uuid": "<32 or 62 hex digits>", "balena_service": "<name>"} or {"type": "created", "data": {"uuid": "<32 or 62 hex digits>"}}';

/**
 * @param text the body
 * @throws BadRequest saying what to send
 */
export function parseEvent(text: string): WebhookEvent {
  const body = parseJson(text);
  if (!Object.hasOwn(body, 'type')) {
    const { uuid, balena_service: service } = parse(request, body);
    return { kind: 'provision', uuid, service };
  }
  const { type, data, device } = parse(event, body);
  // "device.created" and "created" are the same to us.
  const what = type.toLowerCase().split('.').at(-1) ?? '';
  if (what !== 'created' && !checks.has(what)) return { kind: 'ignored', type };
  const named = data?.uuid ?? data?.device?.uuid ?? device?.uuid;
  if (!named) {
    throw new BadRequest(
      'webhook.request.bad-uuid',
      `The event "${what}" names no device: its UUID is expected at data.uuid, data.device.uuid or device.uuid.`,
    );
  }
  return what === 'created' ? { kind: 'created', uuid: named } : { kind: 'check', uuid: named, type: what };
}

function parseJson(text: string): object {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new BadRequest('webhook.request.bad-body', `The body is not JSON. Send ${forms}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new BadRequest('webhook.request.bad-body', `The body must be a JSON object: ${forms}`);
  }
  return body;
}

function parse<T>(schema: z.ZodType<T>, body: object): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : issue?.path.join('.');
  throw new BadRequest(
    'webhook.request.bad-body',
    `The body is not as expected at "${where}". Send ${forms}`,
  );
}
