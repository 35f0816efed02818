import { randomBytes } from 'node:crypto';
import type { InvocationRequest } from './core.js';

/** As callers send it, in a header or as a message's application property. Anything may stand there. */
export interface Caller {
  traceparent?: unknown;
  tracestate?: unknown;
}

const form = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/**
 * W3C trace context of an invocation: a span of the host's own, in the caller's trace if there is one. As in the real host, whose
 * spans are sampled when the caller's are, or always where a trace begins, if host.json says `"telemetryMode": "OpenTelemetry"`.
 * The spans themselves are not sent anywhere from here.
 */
export function traceContext(
  isTracing: boolean,
  { traceparent, tracestate }: Caller = {},
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
