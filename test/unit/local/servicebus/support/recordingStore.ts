import type { Message } from '../../../../../local/simulators/servicebus/engine/Message.js';
import type {
  Changes,
  MessageStore,
  QueueRecord,
} from '../../../../../local/simulators/servicebus/store/MessageStore.js';

type Kept = Omit<Message, 'index'>;

export interface RecordingStore extends MessageStore {
  /** While set, every commit is refused. */
  refusing: boolean;
  commits: number;
}

/** Keeps what is committed, as a disk would, so that a test can start another engine on it. */
export function recordingStore(): RecordingStore {
  const queues = new Map<number, QueueRecord>();
  const messages = new Map<string, Kept>();
  const history = new Map<string, { queueId: number; messageId: string; until: number }>();
  const keyOf = (queueId: number, rest: number | string) => `${queueId}/${rest}`;
  const keep = ({ index: _, ...message }: Message, payload: Buffer) => {
    messages.set(keyOf(message.queueId, message.sequenceNumber), { ...message, payload });
  };
  const payload = (queueId: number, sequenceNumber: number) => {
    const found = messages.get(keyOf(queueId, sequenceNumber))?.payload;
    if (!found) throw new Error(`there is no message ${sequenceNumber} in the store`);
    return found;
  };

  return {
    refusing: false,
    commits: 0,
    payload,
    sync: undefined,
    load: () =>
      [...queues.values()].map((queue) => ({
        ...queue,
        messages: [...messages.values()]
          .filter(({ queueId }) => queueId === queue.id)
          .sort((a, b) => a.sequenceNumber - b.sequenceNumber)
          .map((message) => ({ ...message, payload: undefined })),
        history: [...history.values()]
          .filter(({ queueId }) => queueId === queue.id)
          .sort((a, b) => a.until - b.until)
          .map(({ messageId, until }): [string, number] => [messageId, until]),
      })),
    commit(changes: Changes) {
      if (this.refusing) throw new Error('the disk is full');
      this.commits++;
      for (const queue of changes.queues) queues.set(queue.id, { ...queue });
      for (const message of changes.inserted) keep(message, message.payload!);
      for (const message of changes.updated) {
        keep(
          message,
          changes.rewritten.has(message)
            ? message.payload!
            : payload(message.queueId, message.sequenceNumber),
        );
      }
      for (const { queueId, sequenceNumber } of changes.removed)
        messages.delete(keyOf(queueId, sequenceNumber));
      for (const entry of changes.remembered) history.set(keyOf(entry.queueId, entry.messageId), entry);
      for (const { queueId, messageId } of changes.forgotten) history.delete(keyOf(queueId, messageId));
      for (const queueId of changes.removedQueues) {
        queues.delete(queueId);
        for (const [key, message] of messages) if (message.queueId === queueId) messages.delete(key);
      }
    },
    close() {},
  };
}
