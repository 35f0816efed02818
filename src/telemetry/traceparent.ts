import { type Context, context, type Link, propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api';

/**
 * How one trace survives from a request to the stored variable.
 *
 * A message is only a nudge: it is sent again, put off, scheduled for a slot, lost and made anew from its record. So the
 * traceparent (W3C) of whoever asked is kept where the work that is owed is kept, in the record's ticket, from the request until
 * the ticket is gone, through every retry, slot and replay. Not in `desired`: that outlives the work, and a check a year later
 * would go on with the trace of the first request. From the ticket it goes into each message (and, as its application property,
 * to the Functions host, whose own spans then are of the same trace).
 *
 * It decides nothing. What is not a traceparent counts as none, and `tracestate`, up to 512 characters that a caller chooses, is
 * not carried along.
 *
 * @returns that of the active span; undefined where nothing is traced, and in a timer's run, which asks for many devices: the work
 * for each of those is a trace of its own
 */
export function currentTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/**
 * Under which span a delivery belongs. What the host says, where that is of the request's trace: its own spans are in between
 * then. The request's otherwise, linked to the host's: a host may begin a trace for each message.
 */
export function parentOfDelivery(traceparent: string | undefined): { parent: Context; links: Link[] } {
  const here = context.active();
  const host = trace.getSpanContext(here);
  const requested = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent }));
  if (!requested || requested.traceId === host?.traceId) return { parent: here, links: [] };
  return { parent: trace.setSpanContext(here, requested), links: host ? [{ context: host }] : [] };
}
