import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { BadMessage, NewerMessage, parseMessage } from '../../src/queue/messages.js';
import { useSystem } from '../e2e/support/useSystem.js';
import { waitFor } from '../support/waitFor.js';
import { foreign, likeOurs, nearlyOurs } from './support/messages.js';

/** A build repeats itself. FUZZ_SEED gives other messages. */
const seed = Number(process.env.FUZZ_SEED ?? 1);
const canary = randomUUID();
const lines: string[] = [];
const system = await useSystem({
  // Most messages name a device that balena does not have. The tries for such a device take some seconds, and not a minute.
  settings: { LONGEST_BACK_OFF_SECONDS: '1' },
  onLine: (name, line) => lines.push(`${name}: ${line}`),
});

test('any message is read, or refused with a reason that quotes nothing of it', () => {
  let read = 0;
  const any = fc.oneof(likeOurs, nearlyOurs, foreign);
  fc.assert(
    fc.property(any, (body) => {
      const given = typeof body === 'object' && body !== null ? { [canary]: canary, ...body } : body;
      try {
        const message = parseMessage(given);
        read += 1;
        expect(Object.keys(message).sort()).toEqual(
          ['due', 'generation', 'operation', 'requestId', 'service', 'uuid', 'v'].sort(),
        );
        expect(message.uuid).toMatch(/^[0-9a-f]{32}$|^[0-9a-f]{62}$/);
      } catch (error) {
        if (error instanceof NewerMessage) return;
        if (!(error instanceof BadMessage)) throw error;
        expect(error.reason).toBe('bad-message');
        expect(error.message).not.toContain(canary);
        expect(error.message.length).toBeLessThan(300);
      }
    }),
    { numRuns: 10_000, seed },
  );
  expect(read).toBeGreaterThan(1_000);
});

test('every message is worked off or dead-lettered with a reason, and the worker goes on', async () => {
  const bodies = [
    ...fc.sample(likeOurs, { numRuns: 60, seed }),
    ...fc.sample(nearlyOurs, { numRuns: 60, seed: seed + 1 }),
    // As many as a peek shows.
    ...fc.sample(foreign, { numRuns: 70, seed: seed + 2 }),
  ];
  const ids = bodies.map((_, at) => `fuzz-${at}`);
  for (const [at, body] of bodies.entries()) await system.queue.send(body, { messageId: ids[at]! });

  // Copies of messages of a newer version wait for a worker of that version.
  const isPutBack = ({ messageId }: { messageId?: unknown }) => /^newer~/.test(String(messageId));
  await waitFor('the queue is empty', async () => (await system.queue.messages()).every(isPutBack));
  const deadLetters = await system.queue.deadLetters();
  for (const { deadLetterReason, deadLetterErrorDescription } of deadLetters) {
    expect(deadLetterReason).toMatch(/^[\w-]+$/);
    expect(deadLetterErrorDescription).toMatch(/\w/);
  }
  const lettered = new Set(deadLetters.map(({ messageId }) => String(messageId)));
  const unaccounted = ids.filter(
    (id) =>
      !lettered.has(id) &&
      !lines.some((line) => line.includes(`message ${id} (`) && line.includes(') completed in')),
  );
  expect(unaccounted).toEqual([]);
  expect(deadLetters.length).toBeGreaterThan(60);

  expect(lines.filter((line) => /unhandled|uncaught|^\S+: +at /i.test(line))).toEqual([]);
  expect(system.stack.hosts.map(({ process }) => process.exitCode)).toEqual([null]);
  await system.provisioned();
});
