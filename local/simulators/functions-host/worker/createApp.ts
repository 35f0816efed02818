import type {
  CoreModule,
  Disposable,
  FunctionCallback,
  FunctionMetadata,
  HookCallback,
  HookName,
  LogCategory,
  LogLevel,
  ProgrammingModel,
} from './core.js';

export interface RegisteredFunction {
  metadata: FunctionMetadata;
  callback: FunctionCallback;
}

/** The registrations of an app, and the module through which the app registers functions and hooks. */
export interface App {
  core: CoreModule;
  functions: Map<string, RegisteredFunction>;
  hooks: Record<HookName, HookCallback[]>;
  /** Shared by all hooks of all invocations. */
  appHookData: Record<string, unknown>;
  /** @throws Error if the app registered nothing */
  model(): ProgrammingModel;
  /** Makes every later registration fail. */
  endRegistration(): void;
  log(level: LogLevel, category: LogCategory, message: string, invocation?: InvocationLog): void;
}

/** The invocation to which a log line belongs. */
export interface InvocationLog {
  functionName: string;
  context?: unknown;
  hookData: Record<string, unknown>;
}

/** Levels that host.json hides by default. */
const hiddenLevels: LogLevel[] = ['trace', 'debug', 'none'];

export function createApp(onEvent: (line: string) => void): App {
  const functions: App['functions'] = new Map();
  const hooks: App['hooks'] = {
    appStart: [],
    appTerminate: [],
    preInvocation: [],
    postInvocation: [],
    log: [],
  };
  const appHookData = {};
  let model: ProgrammingModel | undefined;
  let locked = false;

  const log: App['log'] = (level, category, message, invocation) => {
    const context = {
      level,
      message,
      category,
      invocationContext: invocation?.context,
      hookData: invocation?.hookData ?? {},
      appHookData,
    };
    for (const hook of hooks.log) {
      try {
        hook(context);
      } catch {
        // A broken log hook must not break the logged action. The real worker behaves the same.
      }
    }
    // Hooks may change the app's log lines, but not the system's log lines.
    const shown = category === 'user' ? context : { level, message };
    if (hiddenLevels.includes(shown.level)) return;
    const severity = shown.level === 'information' ? '' : `[${shown.level}] `;
    onEvent(`${invocation?.functionName ?? 'host'}: ${severity}${shown.message}`);
  };

  class DisposeOnce implements Disposable {
    #dispose: (() => void) | undefined;
    constructor(dispose: () => void) {
      this.#dispose = dispose;
    }
    dispose() {
      this.#dispose?.();
      this.#dispose = undefined;
    }
  }

  const core: CoreModule = {
    version: '3.12.0',
    hostVersion: '4.1042.0',
    Disposable: DisposeOnce,
    setProgrammingModel: (given) => {
      model = given;
    },
    getProgrammingModel: () => model,
    registerFunction: (metadata, callback) => {
      if (locked) throw new Error('A function can only be registered during app startup.');
      if (functions.has(metadata.name)) {
        throw new Error(`A function with the name "${metadata.name}" has already been registered.`);
      }
      functions.set(metadata.name, { metadata, callback });
      return new DisposeOnce(() => functions.delete(metadata.name));
    },
    registerHook: (name, callback) => {
      const callbacks = hooks[name as HookName];
      if (!callbacks) throw new RangeError(`Unrecognized hook "${name}"`);
      callbacks.push(callback);
      return new DisposeOnce(() => callbacks.splice(callbacks.indexOf(callback), 1));
    },
    log: (level, category, message) => log(level, category, message),
  };

  return {
    core,
    functions,
    hooks,
    appHookData,
    model: () => {
      if (!model) throw new Error('the app registered no function');
      return model;
    },
    endRegistration: () => {
      locked = true;
    },
    log,
  };
}
