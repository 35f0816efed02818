import { AsyncLocalStorage } from 'node:async_hooks';
import type { Agent } from 'node:http';
import httpModule from 'azure-iothub/dist/common-http/http.js';
import { openAgent, retireAgent } from '../shared/httpAgent.js';
import { CallTimeout, withDeadline } from '../shared/network.js';

const { Http } = httpModule;

/**
 * The HTTP transport of the hub's SDK with a deadline and one shared pool of connections. The SDK has no timeout. The promise for a
 * request to a hanging server never settles, so that the request must be destroyed at the deadline.
 */
export class DeadlineHttp extends Http {
  readonly #signal = new AsyncLocalStorage<AbortSignal>();
  readonly #open: () => Agent;
  #agent: Agent;

  constructor({ port, maxConnections }: { port: number; maxConnections: number }) {
    super();
    // The SDK has no setting for a port, but every connection takes the options of the agent.
    const options = { maxSockets: maxConnections, port };
    this.#open = () => openAgent(true, options);
    this.#agent = this.#open();
    this.#useAgent();
  }

  #useAgent(): void {
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
   * request. The connections of a pool in which a call got no answer may have been dropped without a word, so the next call uses a new
   * pool.
   *
   * @throws CallTimeout after `ms`
   */
  async within<R>(ms: number, call: () => Promise<R>): Promise<R> {
    const agent = this.#agent;
    try {
      return await withDeadline(ms, (signal) => this.#signal.run(signal, call));
    } catch (error) {
      if (error instanceof CallTimeout && this.#agent === agent) {
        this.#agent = this.#open();
        this.#useAgent();
        retireAgent(agent);
      }
      throw error;
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}
