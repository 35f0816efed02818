import { context, type Span, trace } from '@opentelemetry/api';
import type { ProvisioningError, Step } from '../ProvisioningError.js';
import { failSpan, tracer } from './inSpan.js';

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
