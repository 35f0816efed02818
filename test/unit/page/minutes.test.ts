import { byMinute, firstMinute } from '../../../page/overview/minutes.js';

const now = Date.parse('2030-01-01T12:30:20Z');
const sample = (at: string) => ({
  ...{ at, active: 0, scheduled: 0, deadLettered: 0, operations: 0, provisioned: 0, failed: 0 },
});

test('the hour is fixed: the last minute is the present one, and a minute without a sample is empty', () => {
  const from = firstMinute(now);
  expect(new Date(from).toISOString()).toBe('2030-01-01T11:31:00.000Z');
  const [first, last] = [sample('2030-01-01T11:31:00.000Z'), sample('2030-01-01T12:30:00.000Z')];
  const samples = byMinute([sample('2030-01-01T11:30:00.000Z'), first, last], from);
  expect(samples).toHaveLength(60);
  expect(samples.filter((each) => each !== null)).toEqual([first, last]);
  expect([samples[0], samples[59]]).toEqual([first, last]);
});
