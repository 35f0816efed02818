import {
  type Context,
  context,
  type Span,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { ProvisioningError, type Step } from '../shared/errors.js';

/** The name of the instrumentation scope for traces, metrics and logs. */
export const scope = 'balena-azure-iot-provisioner';

/** Spans are recorded only after the start of telemetry. */
export const tracer = trace.getTracer(scope);

/** Runs a function in a new span. @param parent the active span by default */
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

/**
 * Marks a span as failed, with the error code only. The text and the stack of an error of another library can hold keys, and
 * `recordException` would send both.
 */
export function failSpan(span: Span, error: unknown): void {
  const { code } = ProvisioningError.from(error);
  span.setAttribute('code', code);
  span.setStatus({ code: SpanStatusCode.ERROR, message: code });
}

const leftOut = new WeakSet<object>();

/** Leaves a span out of the export, unless the span has child spans at its end. */
export function leaveOut(span: Span): void {
  leftOut.add(span);
}

/** Whether `leaveOut` was called for a span. */
export function isLeftOut(span: object): boolean {
  return leftOut.has(span);
}

/** A span processor that passes on all spans except the left-out ones. See `leaveOut`. */
export function dropLeftOutSpans(inner: SpanProcessor): SpanProcessor {
  const parents = new WeakSet<object>();
  return {
    onStart(span, context) {
      const parent = trace.getSpan(context);
      if (parent) parents.add(parent);
      inner.onStart(span, context);
    },
    onEnd(span) {
      if (!leftOut.has(span) || parents.has(span)) inner.onEnd(span);
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  };
}

/** The spans of a run's steps. A step's span contains the calls of the step, and lasts until the next step or the end of the run. */
export interface StepSpans {
  within<R>(step: Step, call: () => Promise<R>): Promise<R>;
  /** @param error the error that ended the run */
  end(error?: ProvisioningError): void;
}

/** Opens the step spans of one run. */
export function openStepSpans(): StepSpans {
  let current: { step: Step; span: Span } | undefined;

  function end(error?: ProvisioningError): void {
    if (!current) return;
    const { step, span } = current;
    if (error && (error.step ?? step) === step) failSpan(span, error);
    span.end();
    current = undefined;
  }

  return {
    within(step, call) {
      if (current?.step !== step) {
        end();
        current = { step, span: tracer.startSpan(step, { attributes: { step } }) };
      }
      return context.with(trace.setSpan(context.active(), current.span), call);
    },
    end,
  };
}
