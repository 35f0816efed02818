import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { openSampling } from '../../../src/telemetry/sampling.js';
import { leaveOut } from '../../../src/telemetry/spans.js';

const perMinute = 20;

interface RunOptions {
  isRepeated?: boolean;
  fails?: 'root' | 'step' | 'line';
  code?: string;
  /** The code of a step that fails before. */
  before?: string;
  /** Where the trace comes from. */
  parent?: Context;
}

/** A process with its telemetry in memory. The clock stands still until `at` is changed. */
function start() {
  const time = { at: 0 };
  const sampling = openSampling(() => time.at, perMinute);
  const spans = new InMemorySpanExporter();
  const lines = new InMemoryLogRecordExporter();
  const tracer = new BasicTracerProvider({
    spanProcessors: [sampling.spans([new SimpleSpanProcessor(spans)])],
  }).getTracer('test');
  const logger = new LoggerProvider({
    processors: [sampling.lines(new SimpleLogRecordProcessor({ exporter: lines }))],
  }).getLogger('test');

  /** A trace with a step and two lines. @param fails what fails in the trace */
  function run(
    name: string,
    { fails, code = 'hub-unavailable', before, isRepeated, parent = context.active() }: RunOptions = {},
  ) {
    const root = tracer.startSpan(name, {}, parent);
    const within = trace.setSpan(context.active(), root);
    logger.emit({ body: 'first', context: within });
    const step = tracer.startSpan('store', {}, within);
    if (before) step.setAttribute('code', before);
    if (fails === 'step') step.setStatus({ code: SpanStatusCode.ERROR });
    step.end();
    if (fails === 'root') root.setAttribute('code', code);
    logger.emit({
      body: 'last',
      context: within,
      severityNumber: fails === 'line' ? SeverityNumber.ERROR : SeverityNumber.INFO,
    });
    if (isRepeated) leaveOut(root);
    root.end();
    return root.spanContext();
  }
  const kept = () => new Set(spans.getFinishedSpans().map((span) => span.spanContext().traceId));
  return { time, spans, lines, run, kept };
}

const many = <R>(count: number, run: () => R): R[] => Array.from({ length: count }, run);

test('a small fleet is not sampled', () => {
  const { spans, lines, run, time } = start();
  for (let minute = 0; minute < 5; minute += 1) {
    many(perMinute, () => run('delivery'));
    time.at += 61_000;
  }
  expect(spans.getFinishedSpans()).toHaveLength(2 * 5 * perMinute);
  expect(lines.getFinishedLogRecords()).toHaveLength(2 * 5 * perMinute);
});

test('of a large fleet a share is kept, each trace whole or not at all', () => {
  const { spans, lines, run, time, kept } = start();
  for (let minute = 0; minute < 10; minute += 1) {
    many(1_000, () => run('delivery'));
    time.at += 61_000;
  }
  // In each minute the first 20 traces are kept, and of the others 20 / 21 + 20 / 22 + ... + 20 / 1,000, which is 78.
  expect(kept().size).toBeGreaterThan(10 * 50);
  expect(kept().size).toBeLessThan(10 * 150);
  expect(spans.getFinishedSpans()).toHaveLength(2 * kept().size);
  expect(lines.getFinishedLogRecords()).toHaveLength(2 * kept().size);
});

test.each(['root', 'step', 'line'] as const)(
  'a trace in which the %s fails is kept, with what came before',
  (fails) => {
    const { spans, lines, run, kept } = start();
    many(2_000, () => run('delivery'));
    spans.reset();
    lines.reset();
    const failed = many(15, () => run('delivery', { fails }));
    for (const { traceId } of failed) expect(kept()).toContain(traceId);
    const of = failed.map(({ traceId }) => traceId);
    expect(spans.getFinishedSpans().filter((span) => of.includes(span.spanContext().traceId))).toHaveLength(
      30,
    );
    expect(
      lines.getFinishedLogRecords().filter((line) => of.includes(line.spanContext?.traceId ?? '')),
    ).toHaveLength(30);
  },
);

test('of failures that callers can cause without end, a share is kept, and they hide no other failure', () => {
  const { spans, lines, run, time, kept } = start();
  for (let minute = 0; minute < 10; minute += 1) {
    many(2_000, () => run('delivery', { fails: 'root', code: 'device-not-found' }));
    many(2_000, () => run('provision', { fails: 'root', code: 'balena-throttled' }));
    const other = many(10, () => run('delivery', { fails: 'root', code: 'hub-unauthorized' }));
    for (const { traceId } of other) expect(kept()).toContain(traceId);
    time.at += 61_000;
  }
  // The share of the traces is 180 at the most, and so is the share of each of the two codes.
  expect(kept().size).toBeLessThan(10 * (3 * 180 + 10));
  expect(spans.getFinishedSpans()).toHaveLength(2 * kept().size);
  expect(lines.getFinishedLogRecords()).toHaveLength(2 * kept().size);
});

test('a frequent failure hides no rare failure of the same trace', () => {
  const { spans, run, kept } = start();
  many(2_000, () => run('delivery', { fails: 'root', code: 'device-not-found' }));
  const before = 'device-not-found';
  const rare = many(10, () => run('delivery', { before, fails: 'root', code: 'hub-unauthorized' }));
  for (const { traceId } of rare) expect(kept()).toContain(traceId);
  expect(spans.getFinishedSpans()).toHaveLength(2 * kept().size);
});

test("the requests of operators and the runs of timers are kept, and count for nobody's share", () => {
  const { run, kept } = start();
  many(2_000, () => run('delivery'));
  for (const name of ['ops', 'deprovision', 'redrive', 'sweep']) {
    for (const { traceId } of many(50, () => run(name))) expect(kept()).toContain(traceId);
  }
  const other = start();
  many(2_000, () => other.run('ops'));
  many(2_000, () => other.run('provision', { isRepeated: true }));
  for (const { traceId } of many(perMinute, () => other.run('delivery')))
    expect(other.kept()).toContain(traceId);
});

test('two processes keep the same traces', () => {
  const [http, worker] = [start(), start()];
  many(2_000, () => http.run('provision'));
  many(2_000, () => worker.run('delivery'));
  const both = many(500, () => {
    const request = http.run('provision');
    const parent = trace.setSpanContext(context.active(), { ...request, isRemote: true });
    worker.run('delivery', { parent });
    return request.traceId;
  });
  const differ = both.filter((traceId) => http.kept().has(traceId) !== worker.kept().has(traceId));
  expect(differ).toEqual([]);
});
