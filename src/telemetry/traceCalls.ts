import { SpanKind } from '@opentelemetry/api';
import { type Dependency, ProvisioningError } from '../shared/errors.js';
import { productMetrics } from './metrics.js';
import { failSpan, inSpan, tracer } from './spans.js';

type Call = (...args: never[]) => Promise<unknown>;

/** The names of the calls that end with an answer. */
type CallsOf<T> = { [N in keyof T]: T[N] extends Call ? N : never }[keyof T] & string;

/**
 * A side outside with a span for each of these calls, `balena.find` for example; never what is sent or answered. Refused
 * credentials are counted.
 */
export function traceCalls<T extends object>(
  side: Dependency | 'queue' | 'records',
  calls: T,
  names: readonly CallsOf<T>[],
  attributes: Record<string, string> = {},
): T {
  const options = { kind: side === 'queue' ? SpanKind.PRODUCER : SpanKind.CLIENT, attributes };
  const traced = names.map((name) => {
    const call = calls[name] as Call;
    return [name, (...args: never[]) => inSpan(`${side}.${name}`, options, () => counted(call(...args)))];
  });
  return { ...calls, ...Object.fromEntries(traced) };
}

/**
 * As `traceCalls`, and only for calls that fail, or take longer than this. For what is done all the time and hardly ever worth a
 * look: each device that waits asks 16 times in ten minutes, which is one quick read each, and a span for it would be half of what
 * telemetry costs there.
 */
export function traceSlowCalls<T extends object>(
  side: Dependency | 'records',
  calls: T,
  names: readonly CallsOf<T>[],
  overMs: number,
  attributes: Record<string, string> = {},
): T {
  const traced = names.map((name) => {
    const call = calls[name] as Call;
    const asSpan = (startTime: number, error?: unknown) => {
      const span = tracer.startSpan(`${side}.${name}`, { kind: SpanKind.CLIENT, attributes, startTime });
      if (error !== undefined) failSpan(span, error);
      span.end();
    };
    const timed = async (...args: never[]) => {
      const startTime = Date.now();
      try {
        const answer = await call(...args);
        if (Date.now() - startTime > overMs) asSpan(startTime);
        return answer;
      } catch (error) {
        asSpan(startTime, error);
        throw error;
      }
    };
    return [name, timed];
  });
  return { ...calls, ...Object.fromEntries(traced) };
}

async function counted<R>(answer: Promise<R>): Promise<R> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProvisioningError && error.policy.fault === 'key' && error.dependency)
      productMetrics().refused(error.dependency);
    throw error;
  }
}
