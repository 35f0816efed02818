import type { ReceiveMode } from '../../../../../local/simulators/servicebus/engine/Consumer.js';
import { Engine } from '../../../../../local/simulators/servicebus/engine/Engine.js';
import type { Message } from '../../../../../local/simulators/servicebus/engine/Message.js';
import type { Queue, SubQueueName } from '../../../../../local/simulators/servicebus/engine/Queue.js';
import type { QueueOptions } from '../../../../../local/simulators/servicebus/engine/QueueProperties.js';
import { type MovableClock, movableClock } from './movableClock.js';
import { type RecordingStore, recordingStore } from './recordingStore.js';

export type Delivered = Message & { body: string };

export interface TestEngine {
  engine: Engine;
  clock: MovableClock;
  store: RecordingStore;
  queue: Queue;
  /** Ends the turn of the event loop, as often as there is work. */
  turn(): void;
  send(...bodies: string[]): number[];
  /** Receives up to this many messages. */
  receive(count?: number, part?: SubQueueName, mode?: ReceiveMode): Delivered[];
  bodies(part?: SubQueueName): string[];
}

/** An engine with one queue `q`, whose turns of the event loop end when the test says so. Bodies are plain text. */
export function testEngine(
  options: Omit<QueueOptions, 'name'> = {},
  clock = movableClock(1_000_000),
  store = recordingStore(),
): TestEngine {
  let pending: (() => void) | undefined;
  const engine = new Engine({
    clock,
    store,
    deadLetterPayload: (payload, reason) => Buffer.from(`${payload} ${reason}`),
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
