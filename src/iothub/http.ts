import { AsyncLocalStorage } from 'node:async_hooks';
import { Agent } from 'node:https';
import httpModule from 'azure-iothub/dist/common-http/http.js';
import { CallTimeout, withDeadline } from '../shared/network.js';

const { Http } = httpModule;

/**
 * The HTTP transport of the hub's SDK with a deadline and one shared pool of connections. The SDK has no timeout. The promise for a
 * request to a hanging server never settles, so that the request must be destroyed at the deadline.
 */
export class DeadlineHttp extends Http {
  readonly #signal = new AsyncLocalStorage<AbortSignal>();
  readonly #agent: Agent;

  constructor({ port, maxConnections }: { port: number; maxConnections: number }) {
    super();
    // The SDK has no setting for a port, but every connection takes the options of the agent.
    this.#agent = new Agent({ keepAlive: true, maxSockets: maxConnections, port } as ConstructorParameters<
      typeof Agent
    >[0]);
    super.setOptions({ http: { agent: this.#agent } });
  }

  /** Does nothing: the constructor of Registry would replace the agent. */
  override setOptions(): void {}

  override buildRequest(...args: Parameters<InstanceType<typeof Http>['buildRequest']>) {
    const request = super.buildRequest(...args);
    const signal = this.#signal.getStore();
    const destroy = () => request.destroy(new CallTimeout());
    // The token may arrive after the deadline. The request must not be sent then.
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
