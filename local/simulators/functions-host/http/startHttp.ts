import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../../shared/loopback.js';
import type { App } from '../createApp.js';
import { describeError, invoke } from '../invoke.js';
import type { RunningInvocations, Trigger } from '../trigger.js';
import { isValidHost, readBody, sendHttpData, toHttpData } from './httpData.js';
import type { HttpFunction } from './httpFunction.js';
import { isAuthorized, type Keys, presentedKey } from './keys.js';

/** Limits of the web server of the real host. */
const kestrel = { keepAliveTimeout: 130_000, maxHeaderSize: 32 * 1024 };

export interface HttpDependencies {
  app: App;
  /** Sorted so that the most specific route comes first. */
  functions: HttpFunction[];
  keys: Keys;
  running: RunningInvocations;
  onEvent(line: string): void;
}

/**
 * Serves the HTTP functions on loopback.
 *
 * @param port 0 for any free port
 * @param orFreePort take a free port if `port` is in use
 */
export async function startHttp(
  deps: HttpDependencies,
  { port, orFreePort }: { port: number; orFreePort: boolean },
): Promise<Trigger & { url: string }> {
  const server = createServer(kestrel, (request, response) => {
    // Otherwise a client with a kept-alive connection would continue to send requests to a host that is stopping.
    if (!server.listening) response.setHeader('connection', 'close');
    // A rejection means that the client disconnected during its request, so no answer is possible.
    handleRequest(deps, request, response).catch(() => response.destroy());
  });
  const bound = await listen(server, port, orFreePort);
  return {
    url: `http://127.0.0.1:${bound}`,
    stop: async () => {
      server.close();
    },
    close: async () => {
      server.closeAllConnections();
    },
  };
}

/** Finds the function for a request and the parameters of its route. A wrong method counts as an unknown path, as on Azure. */
function findFunction(functions: HttpFunction[], method: string, path: string) {
  for (const httpFunction of functions) {
    if (httpFunction.methods.length > 0 && !httpFunction.methods.includes(method)) continue;
    const params = httpFunction.route.match(path);
    if (params) return { httpFunction, params };
  }
  return undefined;
}

/** Answers one request as the real host does. The log gets only the path, because the query may contain a key. */
async function handleRequest(
  { app, functions, keys, running, onEvent }: HttpDependencies,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now();
  const { method = 'GET', url = '/' } = request;
  const [path = '/'] = url.split('?');
  const found = findFunction(functions, method, path);
  const name = found?.httpFunction.name ?? 'no function';
  const log = (status: number, detail = '') =>
    onEvent(
      `${name}: ${method} ${path} ${status} in ${Math.round(performance.now() - startedAt)} ms${detail}`,
    );

  if (!isValidHost(request.headers.host)) return sendStatus(response, 400, log);
  if (!found) return sendStatus(response, 404, log);
  const { httpFunction, params } = found;
  const key = presentedKey(request.headersDistinct['x-functions-key']?.[0], url);
  if (!isAuthorized(keys, httpFunction.name, httpFunction.authLevel, key))
    return sendStatus(response, 401, log);

  await running.run(httpFunction.name, async () => {
    const body = await readBody(request);
    if (body === 'too-large') {
      response.setHeader('connection', 'close');
      return sendStatus(response, 413, log);
    }
    try {
      const http = toHttpData(request, params, body);
      const { returnValue } = await invoke(app, httpFunction.registered, {
        data: { http },
        caller: { traceparent: request.headers.traceparent, tracestate: request.headers.tracestate },
      });
      log(sendHttpData(response, returnValue?.http ?? undefined));
    } catch (error) {
      for (const header of response.getHeaderNames()) response.removeHeader(header);
      sendStatus(response, 500, (status) => log(status, `: ${describeError(error)}`));
    }
    // The invocation counts as running until the last byte is sent. Otherwise a stop would cut the response off.
    if (!response.closed) await once(response, 'close');
  });
}

/** Sends a response without a body. */
function sendStatus(response: ServerResponse, status: number, log: (status: number) => void): void {
  response.setHeader('content-length', 0);
  response.writeHead(status).end();
  log(status);
}
