import type { ProvisioningMessage } from '../../src/queue/messages.js';
import type { Queue } from '../../src/queue/queue.js';
import type { EpochMs } from '../../src/shared/time.js';
import type { VirtualTime } from './time.js';

/** A message that is active, with the time at which it became active. */
export interface ActiveMessage {
  message: ProvisioningMessage;
  sequenceNumber: string;
  enqueuedAt: EpochMs;
}

/** A queue with scheduled messages and a duplicate window that never ends. */
export function openVirtualQueue(time: VirtualTime, deliver: (active: ActiveMessage) => void) {
  const sentIds = new Set<string>();
  const counts = { sent: 0 };
  const queue: Queue = {
    async send(message, { messageId, at }) {
      counts.sent += 1;
      if (sentIds.has(messageId)) return;
      sentIds.add(messageId);
      const sequenceNumber = String(counts.sent);
      const body = { ...message };
      time.at(at, () => deliver({ message: body, sequenceNumber, enqueuedAt: time.now() }));
    },
    sendWakeUp: async () => {},
    async *deadLetters() {},
    removeDeadLetters: async () => 0,
    ping: async () => {},
    close: async () => {},
  };
  return { queue, counts };
}
