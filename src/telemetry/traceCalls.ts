import { SpanKind } from '@opentelemetry/api';
import type { Dependency } from '../shared/errors.js';
import type { EpochMs } from '../shared/time.js';
import { failSpan, inSpan, tracer } from './spans.js';

type Call = (...args: never[]) => Promise<unknown>;

/** The names of the asynchronous methods. */
type CallsOf<T> = { [N in keyof T]: T[N] extends Call ? N : never }[keyof T] & string;

/**
 * Wraps a client so that each named call makes a span, for example `balena.findDevice`. The span holds no part of the request or the
 * response.
 *
 * @param system the first part of the span's name
 */
export function traceCalls<T extends object>(
  system: Dependency | 'queue' | 'records',
  calls: T,
  names: readonly CallsOf<T>[],
  attributes: Record<string, string> = {},
): T {
  const options = { kind: system === 'queue' ? SpanKind.PRODUCER : SpanKind.CLIENT, attributes };
  const traced = names.map((name) => {
    const call = calls[name] as Call;
    return [name, (...args: never[]) => inSpan(`${system}.${name}`, options, () => call(...args))];
  });
  return { ...calls, ...Object.fromEntries(traced) };
}

/**
 * Wraps a client so that only failed and slow calls make a span. A waiting device repeats its request 16 times in ten minutes, with one
 * fast read each. Spans for these reads would make up half of the telemetry costs.
 *
 * @param system the first part of the span's name
 * @param overMs a call that takes longer is slow, ms
 */
export function traceSlowCalls<T extends object>(
  system: Dependency | 'records',
  calls: T,
  names: readonly CallsOf<T>[],
  overMs: number,
  attributes: Record<string, string> = {},
): T {
  const traced = names.map((name) => {
    const call = calls[name] as Call;
    const asSpan = (startTime: EpochMs, error?: unknown) => {
      const span = tracer.startSpan(`${system}.${name}`, { kind: SpanKind.CLIENT, attributes, startTime });
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
