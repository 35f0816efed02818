import type { FunctionMetadata, InvocationRequest, InvocationResponse } from './core.js';

/**
 * The messages between the host and the worker process, over the IPC channel of `fork` with structured clones. The real
 * host and its worker use gRPC messages with the same content.
 */
export type HostMessage =
  /** Loads the app. The worker answers with `loaded`. */
  | { kind: 'load'; folder: string }
  /** Runs a function once. The worker answers with `succeeded` or `failed`, and the same `id`. */
  | { kind: 'invoke'; id: string; functionName: string; request: InvocationRequest }
  /** Runs the hooks `appTerminate`, and ends the worker. */
  | { kind: 'terminate' };

export type WorkerMessage =
  /** `fault`: an entry file could not be loaded. There are no functions then. */
  | { kind: 'loaded'; functions: FunctionMetadata[]; fault?: string }
  | { kind: 'log'; line: string }
  | { kind: 'succeeded'; id: string; response: InvocationResponse }
  | { kind: 'failed'; id: string; error: { name: string; message: string } };
