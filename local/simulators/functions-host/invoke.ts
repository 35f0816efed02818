import { randomBytes, randomUUID } from 'node:crypto';
import type {
  CoreInvocationContext,
  HookName,
  InvocationRequest,
  InvocationResponse,
  TypedData,
} from './core.js';
import type { App, InvocationLog, RegisteredFunction } from './createApp.js';

export interface Invocation {
  /** The trigger's data. */
  data: TypedData;
  /** Metadata from the host, with .NET names (`LockToken`). */
  triggerMetadata?: Record<string, TypedData>;
  /** The trace to which the invocation belongs. */
  caller?: CallerTrace;
}

/**
 * Runs a function once, in the order of the real worker: arguments, preInvocation hooks, the function, postInvocation
 * hooks, answer. Hooks may replace inputs, function, result and error.
 *
 * @throws the function's error, unless a postInvocation hook removed the error; a hook's error; an error if the result is
 *   not a valid answer
 */
export async function invoke(
  app: App,
  { metadata, callback }: RegisteredFunction,
  { data, triggerMetadata = {}, caller }: Invocation,
): Promise<InvocationResponse> {
  const hookData: Record<string, unknown> = {};
  const log: InvocationLog = { functionName: metadata.name, hookData };
  const core: CoreInvocationContext = {
    invocationId: randomUUID(),
    metadata,
    request: {
      inputData: [{ name: triggerName(metadata.bindings), data }],
      triggerMetadata,
      traceContext: traceContext(app.isTracing, caller),
    },
    log: (level, category, message) => app.log(level, category, message, log),
  };
  const model = app.model().getInvocationModel(core);
  const { context, inputs } = await model.getArguments();
  log.context = context;

  const shared = { hookData, appHookData: app.appHookData, invocationContext: context };
  const before = { ...shared, inputs, functionCallback: callback };
  core.state = 'preInvocationHooks';
  await runHooks(app, 'preInvocation', before);

  const after = { ...shared, inputs: before.inputs, result: null as unknown, error: null as unknown };
  core.state = 'invocation';
  try {
    after.result = await model.invokeFunction(context, before.inputs, before.functionCallback);
  } catch (error) {
    after.error = error ?? new Error('the function threw nothing');
  }
  core.state = 'postInvocationHooks';
  await runHooks(app, 'postInvocation', after);
  core.state = undefined;

  if (after.error !== null && after.error !== undefined) throw after.error;
  return model.getResponse(context, after.result);
}

function triggerName(bindings: Record<string, { type: string }>): string {
  const [name] = Object.entries(bindings).find(([, { type }]) => /trigger$/i.test(type)) ?? [];
  if (!name) throw new Error('a function without a trigger was registered');
  return name;
}

/**
 * Runs hooks one after another, in the order of their registration. An error of a hook ends the run, as in the real worker.
 */
export async function runHooks(app: App, name: HookName, context: object): Promise<void> {
  for (const hook of [...app.hooks[name]]) await hook(context);
}

/**
 * Trace headers of a caller, from an HTTP header or from a message's application properties. The values are not validated
 * yet.
 */
export interface CallerTrace {
  traceparent?: unknown;
  tracestate?: unknown;
}

const form = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/**
 * Creates the W3C trace context of an invocation: a new span of the host, in the caller's trace if there is a valid caller.
 * If host.json says `"telemetryMode": "OpenTelemetry"`, the span has the sampled flag of the caller, and a new trace is
 * always sampled. The real host behaves the same, except that this host does not export its spans.
 */
export function traceContext(
  isTracing: boolean,
  { traceparent, tracestate }: CallerTrace = {},
): InvocationRequest['traceContext'] {
  const [, traceId = randomBytes(16).toString('hex'), callersFlags = '01'] =
    (typeof traceparent === 'string' && form.exec(traceparent)) || [];
  const isSampled = isTracing && (Number.parseInt(callersFlags, 16) & 1) === 1;
  return {
    traceParent: `00-${traceId}-${randomBytes(8).toString('hex')}-${isSampled ? '01' : '00'}`,
    traceState: typeof tracestate === 'string' ? tracestate : '',
    attributes: {},
  };
}

/** The first line of an error, for log lines. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.split('\n', 1)[0] ?? text;
}
