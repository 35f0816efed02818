import { randomUUID } from 'node:crypto';
import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { startSettlement } from '../../../local/simulators/functions-host/servicebus/settlement.js';
import type {
  MessageUnderProcessing,
  Settler,
} from '../../../local/simulators/functions-host/servicebus/settler.js';
import { openSettlement, type Settlement } from '../../../src/queue/settlement.js';
import { receive, useBroker } from '../local/servicebus/support/useBroker.js';

const message = {} as ServiceBusReceivedMessage;
const deadLettered: unknown[][] = [];
const completed: unknown[] = [];
const settler = (deadLetter: Settler['deadLetter']) =>
  ({ deadLetter, complete: async (given) => void completed.push(given) }) as Settler;
const underProcessing = new Map<string, MessageUnderProcessing>([
  [
    'token',
    {
      message,
      settler: settler(async (...args) => {
        deadLettered.push(args);
      }),
    },
  ],
  [
    'lost',
    {
      message,
      settler: settler(async () => {
        throw new Error('the lock is lost');
      }),
    },
  ],
]);
const faults = { settlementUnimplemented: false };
const host = await startSettlement(underProcessing, faults);
const broker = useBroker([{ name: 'own' }]);
const ownQueue = () => ({ connection: { connectionString: broker.connectionString }, queue: 'own' });
const settlements: Settlement[] = [];
const open = (at: string | null = host.url) => {
  const settlement = openSettlement(at, ownQueue());
  settlements.push(settlement);
  return settlement;
};
beforeEach(() => {
  deadLettered.length = 0;
});
afterAll(async () => {
  await Promise.all(settlements.map((settlement) => settlement.close()));
  await host.close();
});

test('the host dead-letters the message of a lock token, with reason and description', async () => {
  await open().deadLetter('token', 'device-not-found', 'step validate: balena knows no such device');
  expect(deadLettered).toEqual([[message, 'device-not-found', 'step validate: balena knows no such device']]);
  expect(underProcessing.get('token')?.settled).toBe('dead-lettered');
});

test('the host completes the message of a lock token', async () => {
  await open().complete('token');
  expect(completed).toEqual([message]);
  expect(underProcessing.get('token')?.settled).toBe('completed');
  await expect(open().complete('unknown')).rejects.toThrow('cannot be completed now (9 ');
});

test('what is longer than Service Bus takes is cut', async () => {
  await open().deadLetter('token', 'r'.repeat(5_000), 'd'.repeat(5_000));
  expect(deadLettered).toEqual([[message, 'r'.repeat(4_096), 'd'.repeat(4_096)]]);
});

/** Receives a message as the host does. @returns its lock token */
async function delivered(body: string): Promise<string> {
  await broker.client.createSender('own').sendMessages({ body });
  const { messages } = await receive(broker, 'own', 1);
  return messages[0]!.lockToken!;
}
const deadLetters = async () =>
  (await broker.client.createReceiver('own', { subQueueType: 'deadLetter' }).peekMessages(10)).map(
    ({ body, deadLetterReason, deadLetterErrorDescription }) => [
      body,
      deadLetterReason,
      deadLetterErrorDescription,
    ],
  );

test('a host without the settlement service: the message is dead-lettered at the first try, with its reason', async () => {
  faults.settlementUnimplemented = true;
  const lockToken = await delivered('unimplemented');
  await open().deadLetter(lockToken, 'device-not-found', 'step validate');
  faults.settlementUnimplemented = false;
  expect(await deadLetters()).toContainEqual(['unimplemented', 'device-not-found', 'step validate']);
});

test('a host without the settlement service, and a namespace without credits: the message is dead-lettered after a wait', async () => {
  const { credits } = broker.engine;
  const lockToken = await delivered('busy');
  const waited: number[] = [];
  const settlement = openSettlement(null, ownQueue(), {
    async sleep(ms) {
      if (waited.push(ms) === 2) credits.limitTo(Infinity);
    },
  });
  settlements.push(settlement);
  credits.limitTo(0);
  await settlement.deadLetter(lockToken, 'device-not-found', 'step validate');
  expect(waited).toHaveLength(2);
  expect(waited[0]).toBeGreaterThanOrEqual(2_000);
  expect(await deadLetters()).toContainEqual(['busy', 'device-not-found', 'step validate']);
});

test.each([
  [
    'that is gone',
    async () => {
      const gone = await startSettlement(underProcessing);
      await gone.close();
      return gone.url;
    },
  ],
  ['that is not known', async () => null],
])('a host %s: the message is dead-lettered all the same', async (name, address) => {
  const lockToken = await delivered(name);
  await open(await address()).deadLetter(lockToken, 'r', 'd');
  expect(await deadLetters()).toContainEqual([name, 'r', 'd']);
});

test.each(['unknown', 'lost'])('a lock that nobody holds (%s) is an error', async (lockToken) => {
  const token = lockToken === 'lost' ? lockToken : randomUUID();
  await expect(open().deadLetter(token, 'r', 'd')).rejects.toMatchObject({ code: 'queue-unavailable' });
  expect(deadLettered).toEqual([]);
});

test('a host that takes settlements over TLS is not called without', async () => {
  const secure = open(host.url.replace('http:', 'https:'));
  await expect(secure.complete('token')).rejects.toThrow('cannot be completed now (14 ');
});
