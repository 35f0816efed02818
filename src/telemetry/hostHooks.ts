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
 * Connects the functions with the Functions host. The host's trace continues in the functions. This process sends the log lines, with
 * the log context as fields beside the sentence. The capability tells the host not to send the lines itself. The host still writes the
 * sentence to the console.
 *
 * `@azure/functions-opentelemetry-instrumentation` has the same three parts. The package is not used: it sends the sentence alone,
 * patches CommonJS modules only, and brings an instrumentation library of 2024.
 *
 * @param flush sends all waiting data at the end of a timer's run. On Flex Consumption every timer has an instance of its own. The
 *   instance may be gone seconds after the run, before the metrics are sent, once a minute.
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
 * Each HTTP request and each run of a timer gets a span. A message gets its span later, after the worker has read the request's trace.
 * The spans are internal, because the host already reports requests and deliveries.
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
      // A timer's run covers many devices. A span for each call would make an unreadable trace.
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
    // The URL may contain a key and must not be recorded.
    span.setAttributes({ 'http.request.method': method, 'http.response.status_code': status });
    const logContext = currentLogContext();
    // Only a new request has a requestId. Waiting devices repeat their request several times a minute, and the host counts the repeats.
    if (!('requestId' in logContext)) {
      if (status < 500) leaveOut(span);
    } else
      emit(logger, 'information', `${method} ${functionName}: ${status}`, {
        ...logContext,
        function: functionName,
        status,
      });
    return response;
  }
}

function emit(logger: Logger, level: LogLevel, body: string, attributes: LogAttributes): void {
  logger.emit({ body, severityNumber: severities[level], severityText: level, attributes });
}

/** The host's trace, or none. The host passes on the caller's headers, which may be invalid. */
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
