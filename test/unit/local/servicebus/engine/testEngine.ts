import type { ReceiveMode } from '../../../../../local/simulators/servicebus/engine/Consumer.js';
import { Engine } from '../../../../../local/simulators/servicebus/engine/Engine.js';
import type { Message, SubQueueName } from '../../../../../local/simulators/servicebus/engine/Message.js';
import type { Queue } from '../../../../../local/simulators/servicebus/engine/Queue.js';
import type { QueueOptions } from '../../../../../local/simulators/servicebus/engine/QueueProperties.js';
import type {
  Changes,
  MessageStore,
  QueueRecord,
} from '../../../../../local/simulators/servicebus/store/MessageStore.js';
import { type HandClock, handClock } from '../../../../support/handClock.js';

export type Delivered = Message & { body: string };

export interface TestEngine {
  engine: Engine;
  clock: HandClock;
  store: RecordingStore;
  queue: Queue;
  /** Ends turns of the event loop until no work is left. */
  turn(): void;
  send(...bodies: string[]): number[];
  /** Receives at most `count` messages. */
  receive(count?: number, part?: SubQueueName, mode?: ReceiveMode): Delivered[];
  bodies(part?: SubQueueName): string[];
}

/** An engine with one queue `q`. The test decides when a turn of the event loop ends. Bodies are plain text. */
export function testEngine(
  options: Omit<QueueOptions, 'name'> = {},
  clock = handClock(1_000_000),
  store = recordingStore(),
): TestEngine {
  let pending: (() => void) | undefined;
  const engine = new Engine({
    clock,
    store,
    payloads: {
      deadLetter: (payload, reason) => Buffer.from(`${payload} ${reason}`),
      capTimeToLive: (payload) => payload,
    },
    defer: (callback) => {
      pending = callback;
    },
  });
  const turn = () => {
    while (pending) {
      const callback = pending;
      pending = undefined;
      callback();
    }
  };
  const queue = engine.find('q') ?? engine.create({ name: 'q', ...options });
  turn();
  return {
    engine,
    clock,
    store,
    queue,
    turn,
    send(...bodies) {
      const numbers = queue.send(bodies.map((body) => ({ payload: Buffer.from(body) })));
      turn();
      return numbers;
    },
    receive(count = 1, part = 'main', mode = 'peekLock') {
      const delivered: Delivered[] = [];
      const leave = queue.consume(part, {
        mode,
        credit: () => count - delivered.length,
        deliver: (message, payload) => delivered.push({ ...message, body: payload.toString() }),
      });
      turn();
      leave();
      return delivered;
    },
    bodies: (part = 'main') => [...queue.peek(part, 0)].map(({ payload }) => payload.toString()),
  };
}

type Kept = Omit<Message, 'index'>;

export interface RecordingStore extends MessageStore {
  /** While true, the store refuses every commit. */
  refusing: boolean;
  commits: number;
}

/** A store in memory. A test can start a second engine with the commits of the first engine. */
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
