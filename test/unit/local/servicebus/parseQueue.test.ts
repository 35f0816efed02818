import { parseQueue } from '../../../../local/simulators/servicebus/parseQueue.js';

test('a queue on the command line has its name and properties', () => {
  expect(parseQueue('provisioning')).toEqual({ name: 'provisioning' });
  expect(parseQueue('q:lock=120,deliveries=5,window=600,ttl=60,deadletter=yes,size=1000')).toEqual({
    name: 'q',
    lockDurationMs: 120_000,
    maxDeliveryCount: 5,
    duplicateWindowMs: 600_000,
    timeToLiveMs: 60_000,
    deadLetterOnExpiry: true,
    maxSizeBytes: 1000,
  });
});

test.each([
  ['q:lock=1', 'the lock duration must be 5 s to 5 min'],
  ['q:lock=soon', "--queue q:lock=soon: lock must be a whole number, not 'soon'"],
  ['q:lok=5', "--queue q:lok=5: 'lok' is not one of lock, deliveries, window, ttl, deadletter, size"],
  ['q:deadletter=perhaps', "deadletter must be yes or no, not 'perhaps'"],
  ['', "'' is not a queue name"],
])("'%s' is refused with what is wrong", (text, message) => {
  expect(() => parseQueue(text)).toThrow(message);
});
