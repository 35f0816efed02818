import { type Attributes, context, createContextKey, trace } from '@opentelemetry/api';

/**
 * The log context of an invocation (uuid, requestId, step, code, ...) becomes attributes of the spans and fields of the log lines. The
 * context must not contain a secret or a part of a body.
 */
const key = createContextKey('log context of an invocation');

/** Adds fields to the log context and to the active span. Does nothing in the run of a timer and without telemetry. */
export function addLogContext(fields: Attributes): void {
  const current = context.active().getValue(key) as Attributes | undefined;
  if (!current) return;
  Object.assign(current, fields);
  trace.getActiveSpan()?.setAttributes(fields);
}

/** The fields of the log context; empty without a log context. */
export function currentLogContext(): Attributes {
  return (context.active().getValue(key) as Attributes | undefined) ?? {};
}

/** Runs a function with a new log context: the present fields and the given fields. */
export function withLogContext<R>(fields: Attributes, run: () => R): R {
  return context.with(context.active().setValue(key, { ...currentLogContext(), ...fields }), run);
}
