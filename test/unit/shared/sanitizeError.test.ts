import { inspect } from 'node:util';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { sanitizeError } from '../../../src/shared/sanitizeError.js';

class ForeignError extends Error {
  override name = 'ForeignError';
  code = 'ECODE';
  statusCode = 503;
  request = { headers: { authorization: 'secret' }, body: 'secret' };
}

const foreign = () => new ForeignError('secret\n    at secret', { cause: new TypeError('secret inside') });

test('an outline has what the error is and where it was thrown, and its causes', () => {
  expect(sanitizeError(foreign())).toEqual({
    name: 'ForeignError',
    code: 'ECODE',
    status: 503,
    at: expect.arrayContaining([expect.stringMatching(/^at .*sanitizeError\.test\.ts:\d+:\d+\)$/)]),
    cause: { name: 'TypeError', at: expect.any(Array) },
  });
});

test('an outline has nothing of what the error says or carries', () => {
  expect(JSON.stringify(sanitizeError(foreign()))).not.toContain('secret');
  expect(JSON.stringify(sanitizeError('secret'))).not.toContain('secret');
  expect(JSON.stringify(sanitizeError({ name: 'a secret', code: 'a secret' }))).not.toContain('secret');
});

test('nothing has no outline, and an error that causes itself has one that ends', () => {
  expect(sanitizeError(undefined)).toBeUndefined();
  const circular = new Error('x');
  circular.cause = circular;
  expect(sanitizeError(circular)?.cause?.cause?.name).toBe('Error');
});

test('an unexpected error becomes ours without its text', () => {
  const error = ProvisioningError.from(foreign());
  expect(error).toMatchObject({ code: 'unexpected', outcomeUnknown: false });
  expect(error.message).toBe('An unexpected error occurred (ForeignError).');
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('secret');
  expect(ProvisioningError.from(error)).toBe(error);
});
