import { problem } from '../../../src/http/problem.js';

test('a problem document has the members of RFC 9457, a code, and what else belongs to it', () => {
  const { status, headers, body } = problem({
    status: 422,
    code: 'device-not-found',
    detail: 'balena knows no such device.',
    headers: { 'retry-after': '600' },
    more: { step: 'validate' },
  });
  expect(status).toBe(422);
  expect(headers).toEqual({ 'content-type': 'application/problem+json', 'retry-after': '600' });
  expect(JSON.parse(String(body))).toEqual({
    type: 'about:blank',
    title: 'The request failed',
    status: 422,
    code: 'device-not-found',
    detail: 'balena knows no such device.',
    step: 'validate',
  });
});

test('every status has a title', () => {
  for (const status of [400, 401, 404, 409, 413, 422, 500, 503, 418]) {
    const { title } = JSON.parse(String(problem({ status, code: 'c', detail: 'd' }).body));
    expect(title).toMatch(/^[A-Z]\w+/);
  }
});
