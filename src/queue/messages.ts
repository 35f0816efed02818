import { z } from 'zod';
import { uuid } from '../shared/schemas.js';

/** The version that this code writes, and the newest that it can read. */
export const version = 1;

const provisioningSchema = z.object({
  v: z.literal(version),
  uuid,
  requestId: z.uuid(),
  /** The ticket that it is for. */
  generation: z.int().nonnegative(),
  /** Unix ms for which it was sent. */
  due: z.int().nonnegative(),
  operation: z.enum(['provision', 'deprovision']),
  /** Null when deprovisioning. */
  service: z.string().max(255).nullable(),
  /** Of whoever asked (W3C). No reason to refuse a message: one that is none counts as not there. */
  traceparent: z.string().length(55).optional().catch(undefined),
});

/** What is in the queue: a nudge to look at a device. What it says is only used if the device's record was lost. */
export type ProvisioningMessage = z.infer<typeof provisioningSchema>;

/** A message that no version of this code should work on. `reason` and `description` are for its dead letter. */
export class BadMessage extends Error {
  constructor(
    readonly reason: 'bad-message' | 'unsupported-version',
    description: string,
  ) {
    super(description);
    this.name = 'BadMessage';
  }
}

/** @throws BadMessage saying what is wrong with it, never quoting it */
export function parseMessage(body: unknown): ProvisioningMessage {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new BadMessage('bad-message', 'The message is not a JSON object.');
  }
  const v = (body as { v?: unknown }).v;
  if (typeof v === 'number' && v > version) {
    throw new BadMessage(
      'unsupported-version',
      `The message is of version ${v}, and this worker reads up to ${version}: deploy the newer worker, then resend it.`,
    );
  }
  const parsed = provisioningSchema.safeParse(body);
  if (!parsed.success) {
    const fields = [...new Set(parsed.error.issues.map(({ path }) => String(path[0])))].join(', ');
    throw new BadMessage(
      'bad-message',
      `The message lacks these fields, or has them in another form: ${fields}.`,
    );
  }
  return parsed.data;
}

const actionSchema = z.object({
  v: z.literal(version),
  /** The bulk action. */
  action: z.uuid(),
  /** Of its nudge: only the newest goes on. */
  generation: z.int().nonnegative(),
  /** Unix ms for which it was sent. */
  due: z.int().nonnegative(),
});

/** A nudge to go on with a bulk action of ops, so that it runs on whatever becomes of who started it. */
export type WakeUpMessage = z.infer<typeof actionSchema>;

/** @returns null if the body of a message is something else */
export function readWakeUpMessage(body: unknown): WakeUpMessage | null {
  return actionSchema.safeParse(body).data ?? null;
}
