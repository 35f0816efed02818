import { parseSchedule } from '../../../../../local/simulators/functions-host/timer/schedule.js';

const next = (expression: string, after: string) => parseSchedule(expression)(new Date(after))?.toISOString();

describe('parseSchedule', () => {
  it.each([
    ['0 */5 * * * *', '2026-01-01T00:01:00Z', '2026-01-01T00:05:00.000Z'],
    ['*/10 * * * * *', '2026-01-01T00:00:00Z', '2026-01-01T00:00:10.000Z'],
    ['0 30 2 * * *', '2026-06-01T03:00:00Z', '2026-06-02T02:30:00.000Z'],
    ['0 0 0 * * MON-FRI', '2026-01-02T12:00:00Z', '2026-01-05T00:00:00.000Z'],
    ['0 0 0 1 jan *', '2026-01-02T00:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['0 0 0 * jul Wed,sat', '2026-01-02T12:00:00Z', '2026-07-01T00:00:00.000Z'],
    ['0 0 0 */7 * *', '2026-01-02T12:00:00Z', '2026-01-08T00:00:00.000Z'],
    ['0 0 0 * * 0', '2026-01-02T00:00:00Z', '2026-01-04T00:00:00.000Z'],
  ])('%s after %s is %s', (expression, after, expected) => {
    expect(next(expression, after)).toBe(expected);
  });

  it('wants day of month and day of week together, unlike Unix cron', () => {
    expect(next('0 0 0 13 * FRI', '2026-01-01T00:00:00Z')).toBe('2026-02-13T00:00:00.000Z');
  });

  it.each([
    '',
    '* * * * *',
    '@daily',
    '0 0 0 L * *',
    '0 0 0 ? * 1',
    '0 0 0 * * 1#2',
    '0 0 0 * * 5L',
    '0 0 0 * * L',
    '0 0 0 * * 7',
    '0 0 0 * * sunday',
    '60 * * * * *',
    '00:05:00',
  ])('refuses "%s", as Azure does', (expression) => {
    expect(() => parseSchedule(expression)).toThrow(`"${expression}" is not an NCRONTAB expression`);
  });
});
