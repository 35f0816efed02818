import {
  duration,
  plural,
  relative,
  serviceName,
  shortAdvice,
  shortUuid,
  withLocalTimes,
} from '../../../page/format.js';
import { adviceFor, errorCodes } from '../../../src/shared/errorPolicy.js';

test.each([
  [0, '0 ms'],
  [850, '850 ms'],
  [4_240, '4.2 s'],
  [59_400, '59 s'],
  [59_600, '1 min'],
  [185_000, '3 min 5 s'],
  [660_000, '11 min'],
  [7_800_000, '2 h 10 min'],
  [3_600_000, '1 h'],
  [260_000_000, '3 days'],
])('%s ms are %s', (ms, text) => expect(duration(ms)).toBe(text));

test('a time is shown relative to now', () => {
  expect(relative(10_000, 10_500)).toBe('now');
  expect(relative(10_000, 190_000)).toBe('3 min ago');
  expect(relative(190_000, 10_000)).toBe('in 3 min');
});

test('nouns are singular for one only', () => {
  expect([plural(0, 'device'), plural(1, 'device'), plural(2, 'device')]).toEqual([
    '0 devices',
    '1 device',
    '2 devices',
  ]);
});

test('the device level has a name of its own, and an unknown service is a dash', () => {
  expect([serviceName('main'), serviceName(''), serviceName(null)]).toEqual(['main', '(device level)', '–']);
});

test('a long UUID is cut after twelve digits', () => {
  expect(shortUuid('0123456789abcdef0123456789abcdef')).toBe('0123456789ab…');
});

test.each(errorCodes)('the short advice for %s is whole sentences', (code) => {
  const short = shortAdvice(adviceFor(code));
  expect(short).not.toMatch(/`|,,| {2}| [.,;]/);
  expect(short).toMatch(/^[A-Z].*\.$/);
});

test('a command in the middle of a sentence stays, and a command at the end is left out', () => {
  expect(
    shortAdvice('Check the key: `provisioner doctor` says what is missing. Then replay: `provisioner x`.'),
  ).toBe('Check the key: provisioner doctor says what is missing. Then replay.');
});

test('times in a text of the API are shown in local time', () => {
  const at = '2030-01-01T12:30:20.000Z';
  const text = withLocalTimes(`away since ${at}; since ${at}`, Date.parse(at));
  expect(text).not.toContain('T12');
  expect(text).toMatch(/^away since .*\d\d:20.*; since .*\d\d:20/);
});
