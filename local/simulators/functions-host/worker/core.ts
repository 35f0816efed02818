/**
 * The interface between the Functions host and `@azure/functions`: the part of the module `@azure/functions-core` that this
 * project needs. Microsoft publishes no package for the module. The real worker creates the module at run time, and so does
 * this host.
 */

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';
export type LogCategory = 'user' | 'system' | 'customMetric';
export type HookName = 'appStart' | 'appTerminate' | 'preInvocation' | 'postInvocation' | 'log';

/** A value between host and worker. Exactly one of the fields is set. */
export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  int?: number;
  http?: HttpData;
}

interface Nullable<T> {
  value?: T;
}

/** A request from the host, or a response from the function. */
export interface HttpData {
  method?: string;
  url?: string;
  nullableHeaders?: Record<string, Nullable<string>>;
  nullableParams?: Record<string, Nullable<string>>;
  nullableQuery?: Record<string, Nullable<string>>;
  body?: TypedData | null;
  statusCode?: string;
  headers?: Record<string, string>;
  /** The local host does not support cookies: a response with cookies fails. */
  cookies?: unknown[];
}

/** A trigger, input or output: `type`, `direction`, and the app's options (`route`, `queueName`, `schedule`, ...). */
export interface Binding {
  type: string;
  direction?: string;
  [option: string]: unknown;
}

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, Binding>;
}

export type FunctionCallback = (...args: unknown[]) => unknown;

export interface InvocationRequest {
  inputData: { name: string; data: TypedData }[];
  triggerMetadata: Record<string, TypedData>;
  traceContext: { traceParent: string; traceState: string; attributes: Record<string, string> };
}

export interface CoreInvocationContext {
  invocationId: string;
  metadata: FunctionMetadata;
  request: InvocationRequest;
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks';
  log(level: LogLevel, category: LogCategory, message: string): void;
}

export interface InvocationResponse {
  returnValue?: TypedData | null;
}

export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], callback: FunctionCallback): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<InvocationResponse>;
}

export interface ProgrammingModel {
  name: string;
  version: string;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
}

export type HookCallback = (context: object) => unknown;

export interface Disposable {
  dispose(): void;
}

/** The module `@azure/functions-core`. */
export interface CoreModule {
  version: string;
  hostVersion: string;
  setProgrammingModel(model: ProgrammingModel): void;
  getProgrammingModel(): ProgrammingModel | undefined;
  registerFunction(metadata: FunctionMetadata, callback: FunctionCallback): Disposable;
  registerHook(name: string, callback: HookCallback): Disposable;
  log(level: LogLevel, category: LogCategory, message: string): void;
  Disposable: new (dispose: () => void) => Disposable;
}
