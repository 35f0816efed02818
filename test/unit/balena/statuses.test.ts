import { mapBalenaError } from '../../../src/balena/errors.js';

const answer = (statusCode: number, contentType = 'application/json') => ({
  statusCode,
  responseHeaders: new Headers({ 'content-type': contentType }),
});
const page = (status: number) => answer(status, 'text/html');

test.each([
  ['a read that is refused is about the key', answer(401), false, 'balena-unauthorized'],
  ['so is a read without the right', answer(403), false, 'balena-unauthorized'],
  ['a write that is refused is about one fleet', answer(401), true, 'balena-write-refused'],
  ['so is a write without the right', answer(403), true, 'balena-write-refused'],
  ['a row that exists is a conflict', answer(409), true, 'balena-conflict'],
  ['a rejected content is final', answer(400), true, 'balena-rejected'],
  ['so is a content that is too large', answer(413), true, 'balena-rejected'],
  ['so is a content that makes no sense', answer(422), true, 'balena-rejected'],
  ['a status that balena never gives comes from a gateway', answer(404), true, 'balena-unavailable'],
  ['so does this one', answer(418), false, 'balena-unavailable'],
  ['a page with 401 says nothing about the key', page(401), false, 'balena-unavailable'],
  ['a page with 403 says nothing about the fleet', page(403), true, 'balena-unavailable'],
  ['a page with 400 is not final', page(400), true, 'balena-unavailable'],
])('%s', (_, error, isWrite, code) => {
  expect(mapBalenaError(error, isWrite).code).toBe(code);
});
