import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent } from 'node:https';
import httpModule from 'azure-iothub/dist/common-http/http.js';
import { CallTimeout, withDeadline } from '../shared/network.js';

const { Http } = httpModule;

/**
 * The transport of the hub's SDK with a deadline and one shared pool of connections. The SDK has no timeout: a server that
 * hangs never settles its promise, and only destroying the request helps.
 */
export class DeadlineHttp extends Http {
  readonly #signal = new AsyncLocalStorage<AbortSignal>();
  readonly #agent: Agent;

  constructor({ port, maxConnections }: { port: number; maxConnections: number }) {
    super();
    // The SDK has no setting for a port, but an agent's options are part of every connection it makes.
    this.#agent = new Agent({ keepAlive: true, maxSockets: maxConnections, port } as ConstructorParameters<
      typeof Agent
    >[0]);
    super.setOptions({ http: { agent: this.#agent } });
  }

  /** Registry's constructor would put in an agent of its own. */
  override setOptions(): void {}

  override buildRequest(...args: Parameters<InstanceType<typeof Http>['buildRequest']>) {
    const request = super.buildRequest(...args);
    const signal = this.#signal.getStore();
    const destroy = () => request.destroy(new CallTimeout());
    // A token that came too late: what was given up must not be sent after all.
    if (signal?.aborted) destroy();
    signal?.addEventListener('abort', destroy, { once: true });
    request.once('close', () => signal?.removeEventListener('abort', destroy));
    return request;
  }

  /**
   * Runs one call of the SDK, its token request included. At the deadline the request is destroyed. The hub may have carried out the
   * request.
   *
   * @throws CallTimeout after `ms`
   */
  within<R>(ms: number, call: () => Promise<R>): Promise<R> {
    return withDeadline(ms, (signal) => this.#signal.run(signal, call));
  }

  close(): void {
    this.#agent.destroy();
  }
}
