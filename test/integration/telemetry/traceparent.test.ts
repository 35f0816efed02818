import { context, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import type { Job } from '../../../src/device/record.js';
import { replayed, requested, restoredFromMessage } from '../../../src/device/transitions.js';
import { accept } from '../../../src/provisioning/accept.js';
import { requestCheck } from '../../../src/provisioning/check.js';
import { redrive } from '../../../src/provisioning/redrive.js';
import { parseMessage } from '../../../src/queue/messages.js';
import { publishCopy } from '../../../src/queue/publish.js';
import { inSpan } from '../../../src/telemetry/spans.js';
import { currentTraceparent, parentOfDelivery } from '../../../src/telemetry/traceparent.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { now, provisioned, recordWith, requestId, uuid } from '../../support/records.js';
import { startTracing } from '../../support/startTracing.js';

startTracing();
const request = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const message = {
  v: 1,
  uuid,
  requestId,
  generation: 7,
  due: now,
  operation: 'provision',
  service: 'main',
} as const;

/**
 * Runs a function within a span.
 *
 * @returns the traceparent of the span
 */
const traced = (run: () => unknown) =>
  inSpan('request', {}, async () => {
    await run();
    return currentTraceparent();
  });

const at = () => ({ now, traceparent: currentTraceparent() });
const traceAfterReplay = (job: Job) =>
  replayed(recordWith({ job }), at(), { due: now, by: 'me', action: 'a' }).job?.traceparent;
const traceAfterRequest = (job: Job) =>
  requested(recordWith({ job }), at(), { uuid, present: false }, requestId).job?.traceparent;
const pending: Job = { generation: 7, due: 0, traceparent: request };

test('a request belongs to the trace of its caller: job and message carry the trace', async () => {
  const { deps, sent, record } = acceptDependencies(now);
  const traceparent = await traced(() => accept(deps, { uuid, present: true, service: 'main' }));
  expect(traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect((await record(uuid)).job).toMatchObject({ traceparent });
  expect(sent).toMatchObject([{ uuid, traceparent }]);
});

test('a rescheduled, failed or replayed job keeps its trace, whichever worker processes the job', async () => {
  expect(await inSpan('delivery', {}, async () => traceAfterReplay(pending))).toBe(request);
  expect(traceAfterReplay({ ...pending, dead: { at: 1 } })).toBe(request);
});

test('a new request does not go on with the trace of the one before', async () => {
  let job: string | undefined;
  const traceparent = await traced(() => {
    job = traceAfterRequest(pending);
  });
  expect(job).toBe(traceparent);
  expect(traceAfterRequest(pending)).toBeUndefined();
});

test('a check is in the trace of who wants it, and not of the request long ago', async () => {
  const { deps, put, record } = acceptDependencies(now);
  await put(provisioned);
  const traceparent = await traced(() => requestCheck(deps, uuid));
  expect((await record(uuid)).check).toMatchObject({ traceparent });
});

test("a timer's run gives no trace to what it asks for: each device begins its own, at its first delivery", async () => {
  await inSpan('sweep', {}, () =>
    context.with(suppressTracing(context.active()), async () => expect(currentTraceparent()).toBeUndefined()),
  );
  const delivery = await traced(() => {});
  expect(delivery).toBeDefined();
  await inSpan('delivery', {}, async () =>
    expect(traceAfterReplay({ generation: 7, due: 0 })).toBe(currentTraceparent()),
  );
});

test('a rescheduled message, a redriven message and a record created from a dead letter keep the trace', async () => {
  const { deps, sent, put } = acceptDependencies(now);
  await publishCopy(
    deps.queue,
    { ...message, traceparent: request },
    { sequenceNumber: '5', enqueuedAt: now },
    now,
  );
  await put(recordWith({ job: { ...pending, due: now - 700_000 } }));
  await redrive({
    ...deps,
    discarded: { add: async () => {}, list: async () => [], forget: async () => {} },
    duplicateWindowMs: 600_000,
    periodMs: 300_000,
    lastRun: { read: async () => 0, write: async () => {} },
  });
  expect(sent.map(({ traceparent }) => traceparent)).toEqual([request, request]);
  expect(restoredFromMessage({ ...message, traceparent: request }, { now }).job).toMatchObject({
    traceparent: request,
  });
});

test.each([['x'], [''], [42], [null], [{}], [`${request}\n`], ['é'.repeat(5_000)]])(
  'a message is worked on whatever stands in its traceparent: %p',
  (traceparent) => {
    expect(parseMessage({ ...message, traceparent })).toEqual({ ...message, traceparent: undefined });
  },
);

test.each([
  `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
  `00-${'z'.repeat(32)}-${'b'.repeat(16)}-01`,
  'x'.repeat(55),
])('what is as long as a traceparent and is none counts as none: %s', (traceparent) => {
  expect(trace.getSpanContext(parentOfDelivery(traceparent).parent)).toBeUndefined();
});

describe('a delivery', () => {
  const under = (host: string | undefined, traceparent?: string) =>
    context.with(propagation.extract(ROOT_CONTEXT, { traceparent: host }), () =>
      parentOfDelivery(traceparent),
    );
  const hostInTrace = `00-${'a'.repeat(32)}-${'c'.repeat(16)}-01`;
  const hostElsewhere = `00-${'d'.repeat(32)}-${'e'.repeat(16)}-01`;

  test('is below the span of the host, if that is in the trace of the request', () => {
    const { parent, links } = under(hostInTrace, request);
    expect(trace.getSpanContext(parent)).toMatchObject({ spanId: 'c'.repeat(16) });
    expect(links).toEqual([]);
  });

  test('is below the request, and linked to the host, if that has begun a trace of its own', () => {
    const { parent, links } = under(hostElsewhere, request);
    expect(trace.getSpanContext(parent)).toMatchObject({ spanId: 'b'.repeat(16), traceId: 'a'.repeat(32) });
    expect(links).toMatchObject([{ context: { spanId: 'e'.repeat(16) } }]);
  });

  test('without a trace of its request is below the host', () => {
    expect(trace.getSpanContext(under(hostElsewhere).parent)).toMatchObject({ spanId: 'e'.repeat(16) });
  });
});
