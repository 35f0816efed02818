import type { ServiceBusReceivedMessage } from '@azure/service-bus';
import { startSettlement } from '../../../local/simulators/functions-host/servicebus/settlement.js';
import type {
  MessageUnderProcessing,
  Settler,
} from '../../../local/simulators/functions-host/servicebus/settler.js';
import { openSettlement, type Settlement } from '../../../src/queue/settlement.js';

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
const host = await startSettlement(underProcessing);
const { host: endpoint } = new URL(host.url);
const settlements: Settlement[] = [];
const open = (at = endpoint) => {
  const settlement = openSettlement(at);
  settlements.push(settlement);
  return settlement;
};
beforeEach(() => {
  deadLettered.length = 0;
});
afterAll(async () => {
  for (const settlement of settlements) settlement.close();
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

test('a lock token that the host does not hold is an error', async () => {
  await expect(open().deadLetter('unknown', 'r', 'd')).rejects.toThrow('cannot be dead-lettered now (9 ');
  expect(deadLettered).toEqual([]);
});

test('that the host cannot dead-letter it is an error', async () => {
  await expect(open().deadLetter('lost', 'r', 'd')).rejects.toThrow('cannot be dead-lettered now');
});

test('a host that is gone is an error', async () => {
  const gone = await startSettlement(underProcessing);
  await gone.close();
  await expect(open(new URL(gone.url).host).deadLetter('token', 'r', 'd')).rejects.toThrow(
    'cannot be dead-lettered now (14 ',
  );
});
