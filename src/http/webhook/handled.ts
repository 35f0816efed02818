import { createHash } from 'node:crypto';
import type { Clock } from '../../shared/time.js';
import type { ErasableTable, Key } from '../../storage/table.js';
import type { EventOutcome } from './handle.js';

interface Handled {
  key: Key;
  outcome: EventOutcome;
}

/** The webhooks that were handled to their end, by their id: a sender that repeats itself gets the same answer without work. */
export interface HandledWebhooks {
  outcomeOf(id: string): Promise<EventOutcome | null>;
  add(id: string, outcome: EventOutcome): Promise<void>;
  /** Forgets those that no sender repeats any more. @returns how many */
  forget(): Promise<number>;
}

/** Senders repeat for days with the same id; the specification's own schedule ends after three. */
const keptMs = 7 * 24 * 3_600_000;
const forgetsAtATime = 1_000;

export function openHandledWebhooks(table: ErasableTable<Handled>, clock: Clock): HandledWebhooks {
  return {
    outcomeOf: async (id) => (await table.get(keyOf(id)))?.value.outcome ?? null,
    async add(id, outcome) {
      const key = keyOf(id);
      // That it is there already is as good: the same webhook was handled twice at the same time.
      await table.put(key, { key, outcome }, null, { at: clock.now() });
    },
    async forget() {
      let forgotten = 0;
      for await (const { key } of table.list(`at lt ${clock.now() - keptMs}L`)) {
        if (forgotten >= forgetsAtATime) break;
        await table.remove(key);
        forgotten += 1;
      }
      return forgotten;
    },
  };
}

/** Hashed: an id may hold characters that a key may not. */
function keyOf(id: string): Key {
  const hash = createHash('sha256').update(id).digest('hex');
  return { partition: hash.slice(0, 2), row: hash };
}
