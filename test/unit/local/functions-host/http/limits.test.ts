import { isValidHost } from '../../../../../local/simulators/functions-host/http/limits.js';

test.each(['localhost', 'localhost:7071', '127.0.0.1:80', '[::1]:7071', 'my_host.example.', 'xn--nxa.test'])(
  '%s is one',
  (header) => {
    expect(isValidHost(header)).toBe(true);
  },
);

test.each([
  undefined,
  '',
  'a b',
  'user:pass@x',
  '[',
  '[::1',
  'x:99999',
  'x:',
  '%',
  'a/b',
  'a?b',
  'a#b',
  '\u00ff',
  'a\\b',
  'a, b',
])('%j is none', (header) => {
  expect(isValidHost(header)).toBe(false);
});
