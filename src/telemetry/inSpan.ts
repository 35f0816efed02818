import {
  type Context,
  context,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { ProvisioningError } from '../ProvisioningError.js';

/** The name under which everything here is traced, measured and logged. */
export const scope = 'balena-azure-iot-provisioner';

/** Until telemetry is started, and if it never is, its spans are nothing. */
export const tracer = trace.getTracer(scope);

/** Runs something in a span of its own, a child of the active one unless another parent is given. */
export function inSpan<R>(
  name: string,
  options: SpanOptions,
  run: (span: Span) => Promise<R>,
  parent: Context = context.active(),
): Promise<R> {
  return tracer.startActiveSpan(name, options, parent, async (span) => {
    try {
      return await run(span);
    } catch (error) {
      failSpan(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Only its code: text and stack of a foreign error can hold keys, and `recordException` would send both. */
export function failSpan(span: Span, error: unknown): void {
  const { code } = ProvisioningError.from(error);
  span.setAttribute('code', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}
