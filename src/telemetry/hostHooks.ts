import {
  app,
  type HttpRequest,
  type HttpResponseInit,
  type InvocationContext,
  type LogLevel,
  type PreInvocationContext,
} from '@azure/functions';
import { type Context, context, propagation, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import { type LogAttributes, type Logger, SeverityNumber } from '@opentelemetry/api-logs';
import { suppressTracing } from '@opentelemetry/core';
import { currentLogContext, withLogContext } from './logContext.js';
import { inSpan, leaveOut } from './spans.js';

/**
 * Connects the functions with the Functions host: its trace goes on in them, and what they log is sent from here, with what is
 * known as fields beside the sentence. The host is told so, and leaves it to us; to the console it still writes the sentence.
 *
 * `@azure/functions-opentelemetry-instrumentation` does the same in the same three ways. Not used: it sends the sentence alone,
 * patches CommonJS modules only (ours have to be handed to it), and brings an instrumentation library of 2024 for that.
 *
 * @param flush sends what has not been sent; for the timers. On Flex Consumption each has an instance of its own, which may be gone
 *   seconds after the run: its metrics, which are sent once a minute, would never be.
 */
export function installHooks(logger: Logger, flush: () => Promise<void>): void {
  app.setup({ capabilities: { WorkerOpenTelemetryEnabled: true } });
  app.hook.log(({ level, message, invocationContext }) => {
    const name = invocationContext?.functionName;
    emit(logger, level, message, { ...currentLogContext(), ...(name !== undefined && { function: name }) });
  });
  app.hook.preInvocation((invocation) => {
    const { functionHandler } = invocation;
    const run = runnerOf(invocation, logger, flush);
    invocation.functionHandler = (input, invocationContext) =>
      run(async () => functionHandler(input, invocationContext));
  });
}

type Runner = (handle: () => Promise<unknown>) => Promise<unknown>;

/**
 * A span for each HTTP request and each timer's run; a message gets its own where it is known for which request it is. They are
 * internal ones: it is the host that reports requests and deliveries, and they are not to be counted twice.
 */
function runnerOf(
  { invocationContext, inputs }: PreInvocationContext,
  logger: Logger,
  flush: () => Promise<void>,
): Runner {
  const { functionName, options } = invocationContext;
  const parent = contextOfHost(invocationContext);
  switch (options.trigger.type) {
    case 'httpTrigger':
      return (handle) =>
        inSpan(functionName, {}, (span) => withLogContext({}, () => answer(span, handle)), parent);
    case 'serviceBusTrigger':
      return (handle) => context.with(parent, () => withLogContext({}, handle));
    default:
      // It is about many devices: a span for each call would be a trace that nobody can read.
      return (handle) =>
        inSpan(
          functionName,
          {},
          () => context.with(suppressTracing(context.active()), handle),
          parent,
        ).finally(flush);
  }

  async function answer(span: Span, handle: () => Promise<unknown>): Promise<unknown> {
    const { method } = inputs[0] as HttpRequest;
    const response = (await handle()) as HttpResponseInit | undefined;
    const status = response?.status ?? 200;
    // Never the URL: a key may stand in it.
    span.setAttributes({ 'http.request.method': method, 'http.response.status_code': status });
    const known = currentLogContext();
    // A new request. One that changed nothing is asked several times a minute, by each device that waits: the host counts it.
    if (!('requestId' in known)) {
      if (status < 500) leaveOut(span);
    } else
      emit(logger, 'information', `${method} ${functionName}: ${status}`, {
        ...known,
        function: functionName,
        status,
      });
    return response;
  }
}

function emit(logger: Logger, level: LogLevel, body: string, attributes: LogAttributes): void {
  logger.emit({ body, severityNumber: severities[level], severityText: level, attributes });
}

/** The trace that the host is in, or none: what it hands on comes from a caller, and may be anything. */
function contextOfHost({ traceContext }: InvocationContext): Context {
  const { traceParent, traceState } = traceContext ?? {};
  const carrier = { traceparent: traceParent, tracestate: traceState };
  const extracted = propagation.extract(ROOT_CONTEXT, carrier);
  return trace.getSpanContext(extracted) ? extracted : ROOT_CONTEXT;
}

const severities: Record<LogLevel, SeverityNumber> = {
  trace: SeverityNumber.TRACE,
  debug: SeverityNumber.DEBUG,
  information: SeverityNumber.INFO,
  warning: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
  critical: SeverityNumber.FATAL,
  none: SeverityNumber.UNSPECIFIED,
};
