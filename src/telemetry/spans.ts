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

const unremarkable = new WeakSet<object>();

/** A span that says nothing by itself: it is sent only if others are in it. Whether it does is known at its end. */
export function leaveOut(span: Span): void {
  unremarkable.add(span);
}

/** Hands on all spans but those that are left out. */
export function remarkableSpans(inner: SpanProcessor): SpanProcessor {
  const parents = new WeakSet<object>();
  return {
    onStart(span, context) {
      const parent = trace.getSpan(context);
      if (parent) parents.add(parent);
      inner.onStart(span, context);
    },
    onEnd(span) {
      if (!unremarkable.has(span) || parents.has(span)) inner.onEnd(span);
    },
    forceFlush: () => inner.forceFlush(),
    shutdown: () => inner.shutdown(),
  };
}

/** One span for each step of a run, with the step's calls in it. It lasts until the next step begins, or the run is over. */
export interface StepSpans {
  within<R>(step: Step, call: () => Promise<R>): Promise<R>;
  /** @param error with which the run ended */
  end(error?: ProvisioningError): void;
}

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
