import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import type { LogRecordProcessor, SdkLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { EpochMs } from '../shared/time.js';
import { type LastMinute, lastMinute } from './openMetrics.js';
import { isLeftOut } from './spans.js';

/**
 * The traces that this process keeps whole in a minute. 100 devices a minute, the rate of one S1 unit, make two or three: a fleet on one
 * unit is never sampled.
 */
export const keptPerMinute = 300;

/** The spans that devices cause, and that begin a trace in this process. All others are kept: operators and timers are few. */
const causedByDevices = new Set(['provision', 'webhook', 'delivery']);

/** Sampling of spans and log lines. */
export interface Sampling {
  spans(inner: readonly SpanProcessor[]): SpanProcessor;
  lines(inner: LogRecordProcessor): LogRecordProcessor;
}

/** The first span of a trace in this process, with everything in it. */
interface Root {
  traceId: string;
  isKept: boolean;
  /** The error codes of the failures in the trace so far. */
  codes: Set<string>;
  isOver: boolean;
  /** Sends the spans and lines that wait for the end of the span. */
  waiting: (() => void)[];
}

/**
 * Samples when a large fleet works: above `perMinute` traces in the last minute, this process keeps the share that gives `perMinute`, chosen by the
 * trace's id. Repeated requests, which are left out anyway, do not count. All processes therefore prefer the same traces. A trace with a failure is kept, with everything that this process
 * has sent about it, up to `perMinute` traces of the same error code in the last minute, and then a share in the same way: callers can invent
 * UUIDs and proofs, and telemetry costs money, or ends for the day at its quota. So many failures of one code hide no failure of another code.
 * The requests of operators are always kept. Metrics are never sampled.
 */
export function openSampling(now: () => EpochMs, perMinute = keptPerMinute): Sampling {
  const roots = new WeakMap<object, Root>();
  const began = new WeakSet<object>();
  const traces = lastMinute(now);
  const failures = new Map<string, LastMinute>();
  const rootIn = (where: Context) => roots.get(trace.getSpan(where) ?? {});

  function begin(span: ReadableSpan): Root {
    const { traceId } = span.spanContext();
    const isKept = !causedByDevices.has(span.name) || isOfShare(traceId, traces);
    return { traceId, isKept, codes: new Set(), isOver: false, waiting: [] };
  }

  /** Whether the trace belongs to the share of these traces that is kept. */
  const isOfShare = (traceId: string, others: LastMinute) =>
    partOf(traceId) < perMinute / Math.max(perMinute, others.sum());

  /** Decides at the first failure with each code whether the trace is kept after all. */
  function fail(root: Root, code: string): void {
    root.codes.add(code);
    const same = failures.get(code) ?? lastMinute(now);
    failures.set(code, same);
    same.add(1);
    root.isKept = isOfShare(root.traceId, same);
    if (root.isKept) for (const send of root.waiting.splice(0)) send();
  }

  /** @param code the code of a failure; '' for a failure without a code; null without a failure */
  function pass(root: Root | undefined, code: string | null, send: () => void): void {
    if (root && code !== null && !root.isKept && !root.codes.has(code)) fail(root, code);
    if (!root || root.isKept) send();
    else if (!root.isOver) root.waiting.push(send);
  }

  return {
    spans: (inner) => ({
      onStart(span, parent) {
        const above = rootIn(parent);
        roots.set(span, above ?? begin(span));
        if (!above) began.add(span);
        for (const each of inner) each.onStart(span, parent);
      },
      onEnd(span) {
        const root = roots.get(span);
        pass(root, failureOf(span), () => {
          for (const each of inner) each.onEnd(span);
        });
        if (!root || !began.has(span)) return;
        if (causedByDevices.has(span.name) && !isLeftOut(span)) traces.add(1);
        root.isOver = true;
        root.waiting.length = 0;
      },
      forceFlush: async () => void (await Promise.all(inner.map((each) => each.forceFlush()))),
      shutdown: async () => void (await Promise.all(inner.map((each) => each.shutdown()))),
    }),
    lines: (inner) => ({
      onEmit: (line, where = context.active()) =>
        pass(rootIn(where), failureIn(line), () => inner.onEmit(line, where)),
      forceFlush: () => inner.forceFlush(),
      shutdown: () => inner.shutdown(),
    }),
  };
}

/** A number from 0 to 1, the same in every process. */
function partOf(traceId: string): number {
  return Number.parseInt(traceId.slice(-8), 16) / 2 ** 32;
}

const codeIn = ({ code }: { code?: unknown }) => (typeof code === 'string' ? code : '');

/** @returns the code of a failure, '' for a failure without a code, and null without a failure */
function failureOf({ status, attributes }: ReadableSpan): string | null {
  const httpStatus = Number(attributes['http.response.status_code'] ?? 0);
  const hasFailed =
    status.code === SpanStatusCode.ERROR || attributes.code !== undefined || httpStatus >= 500;
  return hasFailed ? codeIn(attributes) : null;
}

/** @returns as `failureOf` */
function failureIn({ severityNumber = 0, attributes }: SdkLogRecord): string | null {
  const hasFailed = severityNumber >= SeverityNumber.WARN || attributes.code !== undefined;
  return hasFailed ? codeIn(attributes) : null;
}
