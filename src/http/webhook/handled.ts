import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/time.js';
import type { ErasableTable, Key } from '../../storage/table.js';
import type { EventOutcome } from './handle.js';

interface Handled {
  key: Key;
  outcome: EventOutcome;
}

/** Stores the outcomes of handled webhooks by id. A repeated webhook gets the stored outcome. All methods throw `records-unavailable`. */
export interface HandledWebhooks {
  outcomeOf(id: string): Promise<EventOutcome | null>;
  add(id: string, outcome: EventOutcome): Promise<void>;
  /** Removes old outcomes. @returns the number of removed outcomes */
  forget(): Promise<number>;
}

/** Senders repeat a webhook for days with the same id. The schedule of the Standard Webhooks specification ends after three days. */
const keptMs = 7 * 24 * 3_600_000;
const maxRemovals = 1_000;

/** Opens the outcomes. The key of a row is the hash of the webhook's id. */
export function openHandledWebhooks(table: ErasableTable<Handled>, clock: Clock): HandledWebhooks {
  return {
    outcomeOf: async (id) => (await table.get(keyOf(id)))?.value.outcome ?? null,
    async add(id, outcome) {
      const key = keyOf(id);
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

/** The id is hashed, because an id may contain characters forbidden in a key. */
function keyOf(id: string): Key {
  const hash = createHash('sha256').update(id).digest('hex');
  return { partition: hash.slice(0, 2), row: hash };
}
