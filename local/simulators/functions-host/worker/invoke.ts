import type { CoreInvocationContext, HookName, InvocationRequest, InvocationResponse } from './core.js';
import type { App, InvocationLog, RegisteredFunction } from './createApp.js';

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
  { id, request }: { id: string; request: InvocationRequest },
): Promise<InvocationResponse> {
  const hookData: Record<string, unknown> = {};
  const log: InvocationLog = { functionName: metadata.name, hookData };
  const core: CoreInvocationContext = {
    invocationId: id,
    metadata,
    request,
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

/**
 * Runs hooks one after another, in the order of their registration. An error of a hook ends the run, as in the real worker.
 */
export async function runHooks(app: App, name: HookName, context: object): Promise<void> {
  for (const hook of [...app.hooks[name]]) await hook(context);
}
