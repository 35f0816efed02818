import { type Span, trace } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';

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
