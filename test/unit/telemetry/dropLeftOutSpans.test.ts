import { context, trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { dropLeftOutSpans, leaveOut } from '../../../src/telemetry/spans.js';

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({
  spanProcessors: [dropLeftOutSpans(new SimpleSpanProcessor(exporter))],
});
const tracer = provider.getTracer('test');
const sent = () => exporter.getFinishedSpans().map(({ name }) => name);

beforeEach(() => exporter.reset());
afterAll(() => provider.shutdown());

test('a span that is left out is not sent, and others are', () => {
  tracer.startSpan('requested').end();
  const again = tracer.startSpan('asked again');
  leaveOut(again);
  again.end();
  expect(sent()).toEqual(['requested']);
});

test('a span with others in it is sent, whatever was said: they would have no parent', () => {
  const requested = tracer.startSpan('asked again');
  tracer.startSpan('queue.send', {}, trace.setSpan(context.active(), requested)).end();
  leaveOut(requested);
  requested.end();
  expect(sent()).toEqual(['queue.send', 'asked again']);
});
