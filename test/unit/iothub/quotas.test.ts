import { quotaOf } from '../../../src/iothub/quotas.js';

test('tier and units decide the limits', () => {
  expect(quotaOf('S2', 3, null)).toEqual({
    operationsPerMinute: 300,
    queriesPerMinute: 60,
    guessedQuota: null,
  });
  expect(quotaOf('B3', 2, null)).toMatchObject({ operationsPerMinute: 10_000, queriesPerMinute: 2_000 });
});

test('an unknown tier gets the lowest limits, whatever its units, and a request for the rate', () => {
  expect(quotaOf('GEN2', 50, null)).toEqual({
    operationsPerMinute: 100,
    queriesPerMinute: 20,
    guessedQuota: expect.stringMatching(/GEN2.*Set IOTHUB_OPERATIONS_PER_MINUTE/),
  });
});

test('a given rate replaces the computed one, and ends the request', () => {
  expect(quotaOf('GEN2', 50, 750)).toMatchObject({ operationsPerMinute: 750, guessedQuota: null });
  expect(quotaOf('S1', 1, 80)).toMatchObject({ operationsPerMinute: 80, guessedQuota: null });
});
