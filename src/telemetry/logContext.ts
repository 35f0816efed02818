import { type Attributes, context, createContextKey, trace } from '@opentelemetry/api';

/**
 * What is known about an invocation (uuid, requestId, step, code, ...), for its spans and, as fields beside the sentence, for each
 * line that it logs. Never a secret, and nothing of a body.
 */
const key = createContextKey('facts of an invocation');

/** Adds to what is known about this invocation, and to its span. Nothing where nobody collects: in a timer's run, or with telemetry off. */
export function addLogContext(facts: Attributes): void {
  const known = context.active().getValue(key) as Attributes | undefined;
  if (!known) return;
  Object.assign(known, facts);
  trace.getActiveSpan()?.setAttributes(facts);
}

/** What is known; empty where nobody collects. */
export function currentLogContext(): Attributes {
  return (context.active().getValue(key) as Attributes | undefined) ?? {};
}

/** Runs something, and collects what becomes known on the way, on top of what is known already. */
export function withLogContext<R>(facts: Attributes, run: () => R): R {
  return context.with(context.active().setValue(key, { ...currentLogContext(), ...facts }), run);
}
