import { randomBytes } from 'node:crypto';
import { waitFor } from '../support/waitFor.js';
import { type CollectedSpan, startCollector } from './support/startCollector.js';
import { useSystem } from './support/useSystem.js';

const collector = await startCollector();
afterAll(() => collector.close());
const system = await useSystem({
  hosts: ['http', 'worker'],
  settings: {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    // Settings of OpenTelemetry: how long spans and lines are batched, ms.
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_BLRP_SCHEDULE_DELAY: '100',
  },
});
const { balena, hub, call, stack } = system;
const { provisionKey } = stack.endpoints.functions;

const internal = 1;
const client = 3;
const producer = 4;

/** Requests a device as a caller with its own trace does. */
const ask = (uuid: string, traceparent?: string) =>
  call('POST', '/api/provision', {
    key: provisionKey,
    body: { uuid, balena_service: 'main' },
    ...(traceparent !== undefined && { headers: { traceparent, tracestate: 'caller=1' } }),
  });

/** The spans of a trace, by the time of their start, once the last of a finished work is there. */
const spansOf = (traceId: string, isComplete: (spans: CollectedSpan[]) => boolean) =>
  waitFor(`the trace ${traceId}`, () => {
    const spans = collector.spans.filter((span) => span.traceId === traceId);
    spans.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
    return isComplete(spans) && spans;
  });

/** Both processes have sent their spans: a span is sent after its child spans. */
const isDone = (spans: CollectedSpan[]) =>
  spans.some(({ attributes }) => 'http.request.method' in attributes) &&
  spans.some(({ name, attributes }) => name === 'delivery' && attributes.outcome === 'succeeded');

const newTrace = () => randomBytes(16).toString('hex');

test('one trace leads from the request through queue, retry and every step to the stored variables', async () => {
  const uuid = await balena.newDevice();
  const traceId = newTrace();
  // The first run meets the hub's throttling, and the job is pending again, with a new message.
  await hub.fault({ method: 'PUT', path: uuid, status: 429, headers: { 'retry-after': '1' }, times: 1 });
  const { json } = await ask(uuid, `00-${traceId}-00f067aa0ba902b7-01`);
  await system.state(uuid, 'provisioned');
  const spans = await spansOf(traceId, isDone);
  const childrenOf = (parent: CollectedSpan | undefined) =>
    spans.filter(({ parentSpanId }) => parentSpanId === parent?.spanId);
  const named = (name: string, among = spans) => among.filter((span) => span.name === name);

  const [request] = named('provision');
  expect(request).toMatchObject({
    kind: internal,
    attributes: {
      uuid,
      requestId: json.requestId,
      operation: 'provision',
      'http.request.method': 'POST',
      'http.response.status_code': 202,
    },
  });
  const accepting = childrenOf(request);
  expect(accepting.map(({ name }) => name)).toEqual(expect.arrayContaining(['records.put', 'queue.send']));
  expect(named('queue.send', accepting)[0]?.kind).toBe(producer);

  const [throttled, done] = named('delivery').filter(({ attributes }) => attributes.outcome !== 'postponed');
  expect(throttled?.attributes).toMatchObject({
    uuid,
    requestId: json.requestId,
    outcome: 'failed',
    code: 'hub-throttled',
    step: 'register',
  });
  expect(done?.attributes).toMatchObject({ uuid, requestId: json.requestId, outcome: 'succeeded' });
  expect(done?.instance).not.toBe(request?.instance);

  const steps = childrenOf(done).filter(({ attributes }) => 'step' in attributes);
  expect(steps.map(({ name }) => name)).toEqual(['validate', 'mint', 'register', 'store']);
  // Requests are counted in the row of balena's limit, at any moment.
  const calls = (step: (typeof steps)[number]) =>
    childrenOf(step).filter(({ name }) => !/^records\./.test(name));
  const outside = steps.map((step) => calls(step).map(({ name, kind }) => [name, kind]));
  expect(outside).toEqual([
    [['balena.findDevice', client]],
    [],
    [['hub.create', client]],
    [
      ['balena.store', client],
      ['balena.store', client],
    ],
  ]);
  const refused = named('register', childrenOf(throttled))[0];
  expect(refused?.error).toBe('hub-throttled');
  expect(named('hub.create', childrenOf(refused))[0]?.error).toBe('hub-throttled');
  expect(named('records.put', childrenOf(done)).length).toBeGreaterThan(1);
  // Each delivery has a parent span of the host, and belongs to the trace of the request.
  expect(named('delivery').every(({ links }) => links.length === 0)).toBe(true);
});

test('what is removed for a device that is deprovisioned is in the trace of that request', async () => {
  const uuid = await system.provisioned();
  const traceId = newTrace();
  await call('DELETE', `/api/provision/${uuid}`, {
    key: stack.endpoints.functions.deprovisionKey,
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  });
  const spans = await spansOf(traceId, isDone);
  const [removing] = spans.filter(({ name }) => name === 'remove');
  expect(removing?.attributes.step).toBe('remove');
  expect(spans.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['deprovision', 'hub.remove', 'balena.remove']),
  );
});

test.each([
  ['no trace', undefined],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`],
  ['nonsense', 'x'.repeat(2_000)],
  ['a version that there is not', `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`],
])('a caller that sends %s is served, in a trace of its own', async (_, traceparent) => {
  const uuid = await balena.newDevice();
  expect((await ask(uuid, traceparent)).status).toBe(202);
  await system.state(uuid, 'provisioned');
  const request = await waitFor('its span', () =>
    collector.spans.find(({ name, attributes }) => name === 'provision' && attributes.uuid === uuid),
  );
  expect(request.traceId).toMatch(/^(?!0+$)[0-9a-f]{32}$/);
  await spansOf(request.traceId, isDone);
});

test('a caller that does not sample its trace is served, and not traced', async () => {
  const uuid = await balena.newDevice();
  const traceId = newTrace();
  await ask(uuid, `00-${traceId}-00f067aa0ba902b7-00`);
  await system.state(uuid, 'provisioned');
  const lines = await waitFor('its lines', () => {
    const found = collector.lines.filter(({ attributes }) => attributes.uuid === uuid);
    return found.some(({ attributes }) => attributes.outcome === 'succeeded') && found;
  });
  expect(lines.length).toBeGreaterThan(0);
  expect(collector.spans.filter((span) => span.traceId === traceId)).toEqual([]);
});

test('each event is a line with what it is about as fields, in the trace of the request', async () => {
  const uuid = await balena.newDevice();
  const traceId = newTrace();
  const { json } = await call('POST', '/api/provision', {
    key: provisionKey,
    body: { uuid, balena_service: 'mian' },
    headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` },
  });
  await system.state(uuid, 'failed');
  const about = { uuid, requestId: json.requestId };
  const lines = await waitFor('its lines', () => {
    const found = collector.lines.filter(({ attributes }) => attributes.uuid === uuid);
    // The two processes send separately. The lines of one process arrive in their order.
    found.sort((a, b) => String(a.attributes.function).localeCompare(String(b.attributes.function)));
    const isWhole = found[0]?.attributes.function === 'provision' && found.length >= 3;
    return isWhole && found;
  });
  const failure = {
    ...about,
    function: 'worker',
    outcome: 'failed',
    code: 'service-not-found',
    step: 'validate',
  };
  expect(lines).toEqual([
    {
      body: 'POST provision: 202',
      level: 'information',
      traceId,
      attributes: { ...about, function: 'provision', operation: 'provision', status: 202 },
    },
    {
      body: expect.stringContaining(`${uuid}: validate failed after`),
      level: 'information',
      traceId,
      attributes: { ...failure, ms: expect.any(Number) },
    },
    {
      body: `${uuid}: dead-lettered, service-not-found`,
      level: 'information',
      traceId,
      attributes: { ...failure, ms: expect.any(Number) },
    },
  ]);
  // The console shows the same lines as without telemetry.
  expect(system.lines.join('\n')).toContain(`worker: ${uuid}: dead-lettered, service-not-found`);
});

test('when they stop, the processes send what they have counted', async () => {
  const [http, worker] = stack.hosts;
  await http?.stop();
  await worker?.stop();
  const last = (name: string, attributes: object = {}) =>
    collector.points.findLast((point) => {
      if (point.name !== name) return false;
      return Object.entries(attributes).every(([key, value]) => point.attributes[key] === value);
    });
  const provisioned = collector.lines.filter(
    ({ attributes, body }) => attributes.outcome === 'succeeded' && body.includes(': provisioned'),
  ).length;
  expect(last('provisioner.accepted', { operation: 'provision' })?.value).toBe(provisioned + 1);
  expect(last('provisioner.provisioned', { operation: 'provision' })?.value).toBe(provisioned);
  expect(last('provisioner.time_to_provisioned')).toMatchObject({ unit: 's', value: provisioned });
  expect(last('provisioner.deprovisioned')?.value).toBe(1);
  expect(last('provisioner.failed')).toMatchObject({
    value: 1,
    attributes: { code: 'service-not-found', step: 'validate' },
  });
  expect(last('provisioner.pace.limit')?.value).toBe(50_000);
  expect(last('provisioner.pace.rate')?.value).toBeGreaterThan(0);
  expect(last('provisioner.queue.oldest_age')?.unit).toBe('s');
});
