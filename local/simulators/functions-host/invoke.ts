import { randomUUID } from 'node:crypto';
import type { CoreInvocationContext, InvocationResponse, TypedData } from './core.js';
import type { App, InvocationLog, RegisteredFunction } from './createApp.js';
import { runHooks } from './runHooks.js';
import { type Caller, traceContext } from './traceContext.js';

export interface Invocation {
  /** The trigger's data. */
  data: TypedData;
  /** As the host sends it, names in their .NET spelling (`LockToken`). */
  triggerMetadata?: Record<string, TypedData>;
  /** In whose trace it is. */
  caller?: Caller;
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
