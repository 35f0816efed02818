import { z } from 'zod';
import { version } from './ProvisioningMessage.js';

const schema = z.object({
  v: z.literal(version),
  /** The bulk action. */
  action: z.uuid(),
  /** Of its nudge: only the newest goes on. */
  n: z.int().nonnegative(),
  /** Unix ms for which it was sent. */
  due: z.int().nonnegative(),
});

/** A nudge to go on with a bulk action of ops, so that it runs on whatever becomes of who started it. */
export type ActionMessage = z.infer<typeof schema>;

/** @returns null if the body of a message is something else */
export function readActionMessage(body: unknown): ActionMessage | null {
  return schema.safeParse(body).data ?? null;
}
