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
  /** As the host sends it, names in their .NET spelling (`LockToken`). */
  triggerMetadata?: Record<string, TypedData>;
  /** In whose trace it is. */
  caller?: CallerTrace;
}

/**
 * Runs a function once, with its hooks, in the order of the real worker: arguments, preInvocation, the function,
 * postInvocation, answer. A hook may replace inputs, function, result and error.
 *
 * @throws what the function threw, unless a postInvocation hook took it away; what a hook threw; an error when the result
 *   cannot be an answer
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

/** One after the other, in the order of their registration. What one throws ends the run, as in the real worker. */
export async function runHooks(app: App, name: HookName, context: object): Promise<void> {
  for (const hook of [...app.hooks[name]]) await hook(context);
}

/** As callers send it, in a header or as a message's application property. Anything may stand there. */
export interface CallerTrace {
  traceparent?: unknown;
  tracestate?: unknown;
}

const form = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/**
 * W3C trace context of an invocation: a span of the host's own, in the caller's trace if there is one. As in the real host, whose
 * spans are sampled when the caller's are, or always where a trace begins, if host.json says `"telemetryMode": "OpenTelemetry"`.
 * The spans themselves are not sent anywhere from here.
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

/** An error in one line, for people. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.split('\n', 1)[0] ?? text;
}
