import { jest } from '@jest/globals';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { inSpan } from '../../../src/telemetry/spans.js';
import { traceCalls, traceSlowCalls } from '../../../src/telemetry/traceCalls.js';
import { startTracing } from '../../support/startTracing.js';

const exporter = startTracing();
const secret = 'AccountKey=c2VjcmV0';

const failingWith = (error: Error) =>
  traceCalls('hub', { create: (_: string) => Promise.reject(error), close: () => {} }, ['create']);

test('a call is a span with its name and nothing of what is sent or answered', async () => {
  const calls = traceCalls(
    'records',
    { get: async (key: string) => `${key} ${secret}`, close: () => {} },
    ['get'],
    { table: 'devices' },
  );
  expect(await calls.get(secret)).toBe(`${secret} ${secret}`);
  const [span, ...more] = exporter.getFinishedSpans();
  expect(more).toEqual([]);
  expect(span).toMatchObject({
    name: 'records.get',
    kind: SpanKind.CLIENT,
    attributes: { table: 'devices' },
    events: [],
  });
});

test('an error goes on as it is, and is in the span by its code only', async () => {
  const error = Object.assign(new Error(secret), { requestOptions: { body: secret } });
  await expect(failingWith(error).create('a')).rejects.toBe(error);
  const [span] = exporter.getFinishedSpans();
  expect(span?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'unexpected' });
  expect(span?.attributes).toEqual({ code: 'unexpected' });
  expect(span?.events).toEqual([]);
});

describe('of frequent calls', () => {
  let now = Date.now();
  beforeEach(() => {
    jest.spyOn(Date, 'now').mockImplementation(() => now);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });
  const calls = {
    async get(ms: number) {
      now += ms;
      return 'it';
    },
  };
  const { get } = traceSlowCalls('records', calls, ['get'], 50);

  test('a quick call has no span', async () => {
    expect(await get(0)).toBe('it');
    expect(exporter.getFinishedSpans()).toEqual([]);
  });

  test('a slow call has a span that starts with the call, below the span of the caller', async () => {
    await inSpan('provision', {}, () => get(80));
    const [read, request] = exporter.getFinishedSpans();
    expect(read).toMatchObject({ name: 'records.get', parentSpanContext: request?.spanContext() });
    expect(read && read.duration[0] * 1_000 + read.duration[1] / 1e6).toBeCloseTo(80);
  });

  test('a call that fails has a span with its code', async () => {
    const error = new ProvisioningError('records-unavailable', 'no');
    const failing = traceSlowCalls('records', { get: () => Promise.reject(error) }, ['get'], 50);
    await expect(failing.get()).rejects.toBe(error);
    expect(exporter.getFinishedSpans()[0]?.status).toMatchObject({ message: 'records-unavailable' });
  });
});
