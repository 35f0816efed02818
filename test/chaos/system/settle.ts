import { setTimeout as sleep } from 'node:timers/promises';
import type { ListedDevice } from '../../../src/device/lists.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import { isPending } from '../../../src/device/state.js';
import { redrive } from '../../../src/provisioning/redrive.js';
import { type DiscardedDeadLetter, openDiscardedDeadLetters } from '../../../src/queue/deadLetters.js';
import { openQueue } from '../../../src/queue/queue.js';
import { systemClock } from '../../../src/shared/time.js';
import { openTable } from '../../../src/storage/table.js';
import { openLastRun } from '../../../src/storage/timerRows.js';
import { openTestRecords } from '../../support/openTestRecords.js';
import type { Violation } from '../check/Evidence.js';
import { type QueueContents, readQueue } from './readQueue.js';
import { readRecords } from './readRecords.js';
import { duplicateWindowMs, type System } from './startSystem.js';

export interface Settled {
  records: DeviceRecord[];
  queue: QueueContents;
  /** None, if no job is pending any more, and the queue is empty. */
  violations: Violation[];
  tookMs: number;
  /** Messages that only the timer has sent. */
  sentByTimer: number;
}

const lookEveryMs = 2_000;

/**
 * Waits until no job is pending and the queue is empty. The `redrive` function runs every five minutes. Here its core runs with
 * every poll, on the real clients, so a repair by the redrive takes as long as the duplicate window.
 */
export async function settle(
  { stack }: System,
  withinMs: number,
  onQueue: (queue: QueueContents) => void,
): Promise<Settled> {
  const { serviceBus, tables } = stack.endpoints;
  if (!serviceBus || !tables) throw new Error('there are no simulators');
  const connection = { connectionString: tables.connectionString };
  const records = openTestRecords(
    openTable<DeviceRecord>({ connection, name: 'devices' }),
    systemClock,
    openTable<ListedDevice>({ connection, name: 'lists' }),
  );
  const queue = openQueue({ connection: serviceBus, queue: serviceBus.queue });
  // Twice the interval of the polls, so a late poll misses no turn.
  const deps = {
    records,
    queue,
    discarded: openDiscardedDeadLetters(openTable<DiscardedDeadLetter>({ connection, name: 'ops' })),
    clock: systemClock,
    duplicateWindowMs,
    periodMs: 2 * lookEveryMs,
    lastRun: openLastRun(openTable({ connection, name: 'system' }), 'redrive'),
  };
  const begun = Date.now();
  let sentByTimer = 0;
  try {
    for (;;) {
      sentByTimer += (await redrive(deps)).sent;
      const seen = {
        queue: await readQueue(serviceBus.connectionString, serviceBus.queue),
        records: await readRecords(tables.connectionString),
      };
      onQueue(seen.queue);
      const pending = seen.records.filter(({ job }) => isPending(job)).map(({ uuid }) => uuid);
      const { messages } = seen.queue;
      const tookMs = Date.now() - begun;
      if (pending.length === 0 && messages.length === 0)
        return { ...seen, violations: [], tookMs, sentByTimer };
      if (tookMs > withinMs) {
        const violations = [
          ...pending.map(
            (uuid): Violation => ({ uuid, rule: 'ends', what: `pending after ${tookMs} ms of calm` }),
          ),
          ...messages.map((text): Violation => ({ rule: 'ends', what: `left in the queue: ${text}` })),
        ];
        return { ...seen, violations, tookMs, sentByTimer };
      }
      await sleep(lookEveryMs);
    }
  } finally {
    await queue.close();
  }
}
