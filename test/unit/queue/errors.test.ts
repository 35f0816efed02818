import { isWorthRepeating, mapQueueError } from '../../../src/queue/errors.js';

const errorOf = (fields: Record<string, unknown>) => Object.assign(new Error('secret'), fields);

test.each([
  ['the SDK names by a code', { code: 'ServiceBusy', name: 'ServiceBusError' }],
  ['the AMQP library names', { name: 'ServerBusyError' }],
  ['the protocol names', { code: 'com.microsoft:server-busy' }],
])('a namespace without credits, as %s, has a code of its own', (_, fields) => {
  expect(mapQueueError(errorOf(fields))).toMatchObject({ code: 'queue-throttled', outcomeUnknown: true });
});

test.each([
  ['rejected credentials', { code: 'UnauthorizedAccess' }, 'rejects our credentials'],
  ['the answer of another program', { name: 'ProtocolError' }, 'Something else than Service Bus'],
  ['any other failure', { code: 'GeneralError' }, '(GeneralError)'],
  ['a failure without a name', { name: undefined }, '(unknown)'],
])('%s means that the queue cannot be reached', (_, fields, text) => {
  const mapped = mapQueueError(errorOf(fields));
  expect(mapped).toMatchObject({ code: 'queue-unavailable', outcomeUnknown: true });
  expect(mapped.message).toContain(text);
  expect(mapped.message).not.toContain('secret');
});

test.each([
  ['a transient failure', { retryable: true, code: 'ServiceCommunicationProblem' }, true],
  ['a failure that stays', { retryable: false, code: 'UnauthorizedAccess' }, false],
  ['a failure of which the SDK says nothing', { code: 'GeneralError' }, false],
  // The SDK takes the failure for transient. A repetition would use up further credits.
  ['a namespace without credits', { retryable: true, code: 'ServiceBusy' }, false],
])('%s is worth a repetition at once: %p', (_, fields, isWorth) => {
  expect(isWorthRepeating(errorOf(fields))).toBe(isWorth);
});
