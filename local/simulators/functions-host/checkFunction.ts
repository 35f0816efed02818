import type { FunctionMetadata } from './core.js';

/** What a function is triggered by. */
export type TriggerKind = 'http' | 'serviceBus' | 'timer';

const kinds: Record<string, TriggerKind> = {
  httptrigger: 'http',
  servicebustrigger: 'serviceBus',
  timertrigger: 'timer',
};

/**
 * @throws Error naming the function, for a name that Azure does not take, and for triggers and bindings that are not served here:
 *   they would do nothing, without a word
 */
export function checkFunction({ name, bindings }: FunctionMetadata): TriggerKind {
  if (!/^[a-z][a-z0-9_-]{0,127}$/i.test(name)) {
    throw new Error(`function ${name}: a name is a letter, then letters, digits, "_" and "-", 128 at most`);
  }
  let kind: TriggerKind | undefined;
  for (const { type, direction } of Object.values(bindings)) {
    const found = kinds[type.toLowerCase()];
    if (found) kind = found;
    else if (!(type.toLowerCase() === 'http' && direction === 'out')) {
      throw new Error(`function ${name}: the binding "${type}" is not served here`);
    }
  }
  if (!kind) throw new Error(`function ${name} has no trigger`);
  return kind;
}

/** The setting `AzureWebJobs.<name>.Disabled` switches a function off. */
export function isDisabled(name: string, env: NodeJS.ProcessEnv = process.env): boolean {
  return /^(true|1)$/i.test(env[`AzureWebJobs.${name}.Disabled`] ?? '');
}
