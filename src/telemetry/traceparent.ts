import { type Context, context, type Link, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';

/**
 * The traceparent (W3C) of the active span, for the job or check in the device's record.
 *
 * The record keeps the traceparent, because the messages of a job can be sent again, rescheduled, lost and recreated. The traceparent stays
 * in the job from the request to the job's end, through all retries, reservations and replays. `desired` outlives the job and is the
 * wrong place: a check a year later would continue the trace of the first request. Each message takes the traceparent from the work, also
 * as an application property, so that the spans of the Functions host join the trace.
 *
 * No decision depends on the traceparent. An invalid traceparent counts as missing. `tracestate` is not kept, because the caller chooses
 * up to 512 characters of it.
 *
 * @returns undefined without telemetry and in the run of a timer; each device of a timer's run has a trace of its own
 */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/**
 * The parent of the span for a delivered message. If the host's span belongs to the trace of the request, the parent is the host's span.
 * Otherwise the parent is the request's span, with a link to the host's span, because a host may begin a new trace for each message.
 */
export function parentOfDelivery(traceparent: string | undefined): { parent: Context; links: Link[] } {
  const here = context.active();
  const host = trace.getSpanContext(here);
  const request = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent }));
  if (!request || request.traceId === host?.traceId) return { parent: here, links: [] };
  return { parent: trace.setSpanContext(here, request), links: host ? [{ context: host }] : [] };
}
