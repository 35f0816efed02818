import { traceContext } from '../../../../local/simulators/functions-host/traceContext.js';

const caller = (flags: string) => `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}`;

test("an invocation is a span of the host's own in the trace of its caller", () => {
  const { traceParent, traceState } = traceContext(true, { traceparent: caller('01'), tracestate: 'x=1' });
  expect(traceParent).toMatch(new RegExp(`^00-${'a'.repeat(32)}-[0-9a-f]{16}-01$`));
  expect(traceParent).not.toContain('b'.repeat(16));
  expect(traceState).toBe('x=1');
});

test('an invocation is not sampled if its caller is not sampled', () => {
  expect(traceContext(true, { traceparent: caller('00') }).traceParent).toMatch(/-00$/);
});

test('a host that does not trace samples nothing', () => {
  expect(traceContext(false, { traceparent: caller('01') }).traceParent).toMatch(/^00-a{32}-.*-00$/);
  expect(traceContext(false).traceParent).toMatch(/-00$/);
});

test.each([undefined, '', 'x', 7, caller('01').toUpperCase(), `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`])(
  'a new trace starts without a valid caller: %p',
  (traceparent) => {
    expect(traceContext(true, { traceparent }).traceParent).toMatch(
      /^00-(?!a{32})[0-9a-f]{32}-[0-9a-f]{16}-01$/,
    );
  },
);
