import type { HttpResponseInit, InvocationContext } from '@azure/functions';
import { BadRequest, withErrorResponses } from '../../../src/http/errors.js';
import { TooBusy } from '../../../src/http/requestLimit.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { requestWith } from '../../support/request.js';

async function answerTo(handle: () => Promise<HttpResponseInit>) {
  const logged: unknown[] = [];
  const context = { error: (...args: unknown[]) => logged.push(...args) } as unknown as InvocationContext;
  const answer = (await withErrorResponses(handle)(requestWith(), context)) as HttpResponseInit;
  return { answer, logged };
}
const throwing = (error: unknown) =>
  answerTo(async () => {
    throw error;
  });

test('an answer goes out as it is', async () => {
  const { answer, logged } = await answerTo(async () => ({ status: 202, body: 'x' }));
  expect([answer, logged]).toEqual([{ status: 202, body: 'x' }, []]);
});

test('a bad request is answered with its status and code, and is no error of ours', async () => {
  const { answer, logged } = await throwing(new BadRequest('provision.request.too-large', 'Send less.', 413));
  expect(answer.status).toBe(413);
  expect(JSON.parse(String(answer.body))).toMatchObject({
    code: 'provision.request.too-large',
    detail: 'Send less.',
  });
  expect(logged).toEqual([]);
});

test('records or a queue that cannot be reached are a 503, and nothing was promised', async () => {
  const error = new ProvisioningError('queue-unavailable', 'The queue cannot be reached.');
  const { answer, logged } = await throwing(error);
  expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '5' } });
  expect(JSON.parse(String(answer.body))).toMatchObject({
    code: 'queue-unavailable',
    detail: expect.stringContaining('repeat the request in 5 seconds'),
  });
  expect(logged).toEqual(['queue-unavailable: The queue cannot be reached.']);
});

test('while Service Bus limits our requests, the callers come back spread over a minute', async () => {
  const error = new ProvisioningError('queue-throttled', 'Service Bus limits our requests.');
  const waits = new Set<number>();
  for (let count = 0; count < 200; count += 1) {
    const { answer } = await throwing(error);
    const seconds = Number((answer.headers as Record<string, string>)['retry-after']);
    expect(JSON.parse(String(answer.body)).detail).toContain(`repeat the request in ${seconds} seconds`);
    waits.add(seconds);
  }
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...waits)).toBeLessThan(60);
  expect(waits.size).toBeGreaterThan(20);
});

test('a foreign error is neither shown nor logged with its text', async () => {
  const { answer, logged } = await throwing(new TypeError('the key is hunter2'));
  expect(answer.status).toBe(503);
  expect(`${answer.body} ${logged}`).not.toContain('hunter2');
  expect(logged).toEqual(['unexpected: An unexpected error occurred (TypeError).']);
});

test('a request that the process has no time for is a 503, whose callers come back spread over a minute, and is not logged', async () => {
  const waits = new Set<number>();
  for (let count = 0; count < 200; count += 1) {
    const { answer, logged } = await throwing(new TooBusy());
    expect([answer.status, logged]).toEqual([503, []]);
    const { code, detail } = JSON.parse(String(answer.body));
    const seconds = Number((answer.headers as Record<string, string>)['retry-after']);
    expect(code).toBe('too-busy');
    expect(detail).toContain(`was not accepted: repeat the request in ${seconds} seconds`);
    waits.add(seconds);
  }
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...waits)).toBeLessThan(60);
  expect(waits.size).toBeGreaterThan(20);
});
