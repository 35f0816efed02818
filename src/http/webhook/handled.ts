import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/time.js';
import type { ErasableTable, Key } from '../../storage/table.js';
import type { EventOutcome } from './handle.js';

interface Handled {
  key: Key;
  outcome: EventOutcome;
}

/** A signed webhook. A sender may give the same id to different bodies by mistake: only id and body together identify a webhook. */
export interface SignedWebhook {
  id: string;
  /** The body as sent, without a byte order mark. */
  body: string;
}

/** Stores the outcomes of handled webhooks. A repeated webhook gets the stored outcome. All methods throw `records-unavailable`. */
export interface HandledWebhooks {
  outcomeOf(webhook: SignedWebhook): Promise<EventOutcome | null>;
  add(webhook: SignedWebhook, outcome: EventOutcome): Promise<void>;
  /** Removes old outcomes. @returns the number of removed outcomes */
  forget(): Promise<number>;
}

/** Senders repeat a webhook for days with the same id. The schedule of the Standard Webhooks specification ends after three days. */
const keptMs = 7 * 24 * 3_600_000;
const maxRemovals = 1_000;

/** Opens the outcomes. The key of a row is a hash of the webhook. */
export function openHandledWebhooks(table: ErasableTable<Handled>, clock: Clock): HandledWebhooks {
  return {
    outcomeOf: async (webhook) => (await table.get(keyOf(webhook)))?.value.outcome ?? null,
    async add(webhook, outcome) {
      const key = keyOf(webhook);
      // A conflict is fine: the same webhook was handled twice at the same time.
      await table.put(key, { key, outcome }, null, { at: clock.now() });
    },
    async forget() {
      let removed = 0;
      for await (const { key } of table.list(`at lt ${clock.now() - keptMs}L`)) {
        if (removed >= maxRemovals) break;
        await table.remove(key);
        removed += 1;
      }
      return removed;
    },
  };
}

/** Id and body are hashed, because an id may contain characters forbidden in a key. */
function keyOf({ id, body }: SignedWebhook): Key {
  const hash = createHash('sha256')
    .update(JSON.stringify([id, body]))
    .digest('hex');
  return { partition: hash.slice(0, 2), row: hash };
}
