import { type Context, context, SpanStatusCode, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import type { LogRecordProcessor, SdkLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { EpochMs } from '../shared/time.js';
import { lastMinute } from './openMetrics.js';
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
  isKept: boolean;
  isOver: boolean;
  /** Sends the spans and lines that wait for the end of the span. */
  waiting: (() => void)[];
}

/**
 * Samples when a large fleet works: above `perMinute` traces in the last minute, this process keeps the share that gives `perMinute`, chosen by the
 * trace's id. Repeated requests, which are left out anyway, do not count. All processes therefore prefer the same traces. A trace with a failure is always kept, with everything that this process
 * has sent about it, and so is the request of an operator. Metrics are never sampled.
 */
export function openSampling(now: () => EpochMs, perMinute = keptPerMinute): Sampling {
  const roots = new WeakMap<object, Root>();
  const began = new WeakSet<object>();
  const traces = lastMinute(now);
  const rootIn = (where: Context) => roots.get(trace.getSpan(where) ?? {});

  function begin(span: ReadableSpan): Root {
    if (!causedByDevices.has(span.name)) return { isKept: true, isOver: false, waiting: [] };
    const share = perMinute / Math.max(perMinute, traces.sum());
    return { isKept: partOf(span.spanContext().traceId) < share, isOver: false, waiting: [] };
  }

  function keep(root: Root): void {
    root.isKept = true;
    for (const send of root.waiting.splice(0)) send();
  }

  function pass(root: Root | undefined, hasFailed: boolean, send: () => void): void {
    if (root && hasFailed && !root.isKept) keep(root);
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
        pass(root, hasFailed(span), () => {
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
        pass(rootIn(where), isFailure(line), () => inner.onEmit(line, where)),
      forceFlush: () => inner.forceFlush(),
      shutdown: () => inner.shutdown(),
    }),
  };
}

/** A number from 0 to 1, the same in every process. */
function partOf(traceId: string): number {
  return Number.parseInt(traceId.slice(-8), 16) / 2 ** 32;
}

function hasFailed({ status, attributes }: ReadableSpan): boolean {
  const httpStatus = Number(attributes['http.response.status_code'] ?? 0);
  return status.code === SpanStatusCode.ERROR || attributes.code !== undefined || httpStatus >= 500;
}

function isFailure({ severityNumber = 0, attributes }: SdkLogRecord): boolean {
  return severityNumber >= SeverityNumber.WARN || attributes.code !== undefined;
}
