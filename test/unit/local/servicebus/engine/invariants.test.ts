import fc from 'fast-check';
import { handClock } from '../../../../support/handClock.js';
import { type Delivered, recordingStore, type TestEngine, testEngine } from './testEngine.js';

const SECONDS = 1000;
const maxDeliveryCount = 3;

/** The model's copy of a message until completion or cancellation. */
interface Expected {
  isDead: boolean;
  failures: number;
  scheduledFor: number | undefined;
  sequenceNumber: number;
  ttlMs: number | undefined;
  expiresAt: number | undefined;
  lock: { token: string; until: number } | undefined;
}

const settlements = ['complete', 'abandon', 'release', 'deadLetter', 'renew'] as const;
type Settlement = (typeof settlements)[number];

const operation = fc.oneof(
  fc.record({
    do: fc.constant('send' as const),
    id: fc.option(fc.nat(4), { nil: undefined }),
    delayS: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
    ttlS: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  }),
  fc.record({
    do: fc.constant('receive' as const),
    count: fc.integer({ min: 1, max: 4 }),
    dead: fc.boolean(),
  }),
  fc.record({
    do: fc.constantFrom(...settlements),
    nth: fc.nat(9),
    refused: fc.boolean(),
  }),
  fc.record({ do: fc.constant('cancel' as const), nth: fc.nat(9) }),
  fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 8 }) }),
  fc.record({ do: fc.constant('restart' as const) }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Runs operations against the engine and against a simple model. */
function run(operations: Operation[]): void {
  let clock = handClock(1_000_000);
  const store = recordingStore();
  const properties = {
    lockDurationMs: 5 * SECONDS,
    maxDeliveryCount,
    duplicateWindowMs: 20 * SECONDS,
    deadLetterOnExpiry: true,
  };
  let test: TestEngine = testEngine(properties, clock, store);
  const expected = new Map<string, Expected>();
  const seen = new Map<string, number>();
  /** All lock tokens of all deliveries with their messages, oldest first. */
  const tokens: { body: string; token: string }[] = [];
  let sent = 0;

  const failDelivery = (message: Expected) => {
    message.lock = undefined;
    // Deliveries of dead letters do not count.
    if (message.isDead) return;
    message.failures++;
    if (message.failures >= maxDeliveryCount) deadLetter(message);
  };
  const deadLetter = (message: Expected) =>
    Object.assign(message, { isDead: true, lock: undefined, expiresAt: undefined });
  /** Applies all due changes to the model. */
  const applyDueChanges = () => {
    const now = clock.now();
    for (const message of expected.values()) {
      if (message.scheduledFor !== undefined && message.scheduledFor <= now) {
        message.scheduledFor = undefined;
        message.expiresAt = message.ttlMs === undefined ? undefined : now + message.ttlMs;
      }
      if (message.lock && message.lock.until <= now) failDelivery(message);
      if (!message.lock && message.expiresAt !== undefined && message.expiresAt <= now) deadLetter(message);
    }
  };
  const wait = (ms: number) => {
    clock.advance(ms);
    test.turn();
    applyDueChanges();
  };
  const bodyOf = (delivered: Delivered) => delivered.body.split(' ')[0]!;

  const settle = (kind: Settlement, body: string, token: string, refused: boolean) => {
    const message = expected.get(body);
    const holds = message?.lock?.token === token;
    store.refusing = refused;
    const act = () => test.queue[kind](token);
    if (!holds || (kind === 'deadLetter' && message.isDead)) expect(act).toThrow();
    else {
      act();
      if (!refused && kind === 'complete') expected.delete(body);
      if (!refused && kind === 'abandon') failDelivery(message);
      if (!refused && kind === 'release') message.lock = undefined;
      if (!refused && kind === 'deadLetter') deadLetter(message);
      if (!refused && kind === 'renew') message.lock!.until = clock.now() + properties.lockDurationMs;
    }
    test.turn();
    store.refusing = false;
    // After a refusal the engine pauses for a second.
    wait(refused ? 1 * SECONDS : 0);
  };

  for (const step of operations) {
    const now = clock.now();
    if (step.do === 'send') {
      const body = String(sent++);
      const messageId = step.id === undefined ? undefined : `id${step.id}`;
      const scheduledFor = step.delayS && now + step.delayS * SECONDS;
      const ttlMs = step.ttlS && step.ttlS * SECONDS;
      const [sequenceNumber] = test.queue.send([
        { payload: Buffer.from(body), messageId, scheduledFor, timeToLiveMs: ttlMs },
      ]);
      test.turn();
      if (messageId !== undefined && (seen.get(messageId) ?? 0) > now) continue;
      if (messageId !== undefined) seen.set(messageId, now + properties.duplicateWindowMs);
      const expiresAt = scheduledFor === undefined && ttlMs !== undefined ? now + ttlMs : undefined;
      expected.set(body, {
        isDead: false,
        failures: 0,
        scheduledFor,
        sequenceNumber: sequenceNumber!,
        ttlMs,
        expiresAt,
        lock: undefined,
      });
    } else if (step.do === 'receive') {
      for (const delivered of test.receive(step.count, step.dead ? 'dead' : 'main')) {
        const body = bodyOf(delivered);
        const message = expected.get(body);
        // The message was not completed before, is not scheduled, and has no other lock.
        expect(message).toMatchObject({
          isDead: step.dead,
          scheduledFor: undefined,
          lock: undefined,
          failures: delivered.deliveryCount,
        });
        message!.lock = { token: delivered.lockToken!, until: delivered.lockedUntil! };
        tokens.push({ body, token: delivered.lockToken! });
      }
    } else if (step.do === 'wait') {
      wait(step.seconds * SECONDS);
    } else if (step.do === 'restart') {
      // A new clock, because the alarms of the killed engine must not fire.
      clock = handClock(clock.now());
      test = testEngine(properties, clock, store);
      wait(0);
    } else if (step.do === 'cancel') {
      const scheduled = [...expected].filter(([, { scheduledFor }]) => scheduledFor !== undefined);
      const one = scheduled[step.nth % Math.max(scheduled.length, 1)];
      if (!one) continue;
      test.queue.cancel([one[1].sequenceNumber]);
      test.turn();
      expected.delete(one[0]);
    } else {
      const one = tokens[tokens.length - 1 - (step.nth % Math.max(tokens.length, 1))];
      if (one) settle(step.do, one.body, one.token, step.refused);
    }

    // No message is lost, no completed message returns, and every message is in the right sub-queue.
    for (const part of ['main', 'dead'] as const) {
      const there = test
        .bodies(part)
        .map((body) => body.split(' ')[0])
        .sort();
      const belongs = [...expected]
        .filter(([, { isDead }]) => isDead === (part === 'dead'))
        .map(([body]) => body);
      expect(there).toEqual(belongs.sort());
    }
  }
}

test('no message is ever lost, held by two valid locks, or completed twice', () => {
  fc.assert(fc.property(fc.array(operation, { minLength: 10, maxLength: 80 }), run), { numRuns: 300 });
});
