import { randomBytes } from 'node:crypto';
import type { InvocationRequest } from './worker/core.js';

/**
 * Trace headers of a caller, from an HTTP header or from a message's application properties. The values are not validated
 * yet.
 */
export interface CallerTrace {
  traceparent?: unknown;
  tracestate?: unknown;
}

const form = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/**
 * Creates the W3C trace context of an invocation: a new span of the host, in the caller's trace if there is a valid caller.
 * If host.json says `"telemetryMode": "OpenTelemetry"`, the span has the sampled flag of the caller, and a new trace is
 * always sampled. The real host behaves the same, except that this host does not export its spans.
 */
export function traceContext(
  isTracing: boolean,
  { traceparent, tracestate }: CallerTrace = {},
): InvocationRequest['traceContext'] {
  const [, traceId = randomBytes(16).toString('hex'), callersFlags = '01'] =
    (typeof traceparent === 'string' && form.exec(traceparent)) || [];
  const isSampled = isTracing && (Number.parseInt(callersFlags, 16) & 1) === 1;
  return {
    traceParent: `00-${traceId}-${randomBytes(8).toString('hex')}-${isSampled ? '01' : '00'}`,
    traceState: typeof tracestate === 'string' ? tracestate : '',
    attributes: {},
  };
}
