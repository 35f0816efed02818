import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../../shared/loopback.js';
import { describeError } from '../describeError.js';
import type { Drain } from '../drain.js';
import type { Workers } from '../startWorkers.js';
import type { RunningInvocations, Trigger } from '../trigger.js';
import { answerAdmin, type HostAnswer } from './adminRoutes.js';
import { readBody, sendHttpData, toHttpData } from './httpData.js';
import type { HttpFunction } from './httpFunction.js';
import { passIdentity } from './identity.js';
import { type Keys, presentedKey } from './keys.js';
import { refusal, serverOptions } from './limits.js';
import { resolvePath } from './requestPath.js';
import { createRequestQueue, type HttpLimits, type RequestQueue, tooManyRequests } from './requestQueue.js';

export interface HttpDependencies {
  keys: Keys;
  running: RunningInvocations;
  drain: Drain;
  limits: HttpLimits;
  onEvent(line: string): void;
}

export interface HttpTrigger extends Trigger {
  url: string;
  /** Serves these functions. Before this call, the host answers 503. */
  serve(workers: Workers, functions: HttpFunction[]): void;
}

/** The functions; undefined while the host is starting. */
type Serving = { workers: Workers; functions: HttpFunction[] } | undefined;

/**
 * Serves HTTP on loopback.
 *
 * @param port 0 for any free port
 * @param orFreePort take a free port if `port` is in use
 */
export async function startHttp(
  deps: HttpDependencies,
  { port, orFreePort }: { port: number; orFreePort: boolean },
): Promise<HttpTrigger> {
  let serving: Serving;
  const queue = createRequestQueue(deps.limits);
  const server = createServer(serverOptions, (request, response) => {
    // Otherwise a client with a kept-alive connection would continue to send requests to a host that is stopping.
    if (!server.listening) response.setHeader('connection', 'close');
    // A rejection means that the client disconnected during its request, so no answer is possible.
    handleRequest({ ...deps, queue }, serving, request, response).catch(() => response.destroy());
  });
  server.maxHeadersCount = 0;
  const bound = await listen(server, port, orFreePort);
  return {
    url: `http://127.0.0.1:${bound}`,
    serve: (workers, functions) => {
      serving = { workers, functions };
    },
    stop: async () => {
      server.close();
    },
    close: async () => {
      server.closeAllConnections();
    },
  };
}

/** Answers one request as the real host does. The log gets only the path, because the query may contain a key. */
async function handleRequest(
  deps: HttpDependencies & { queue: RequestQueue },
  serving: Serving,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now();
  const { method = 'GET', url = '/' } = request;
  const path = resolvePath(url.split('?', 1)[0] ?? '/');
  const log =
    (name: string) =>
    (status: number, detail = '') =>
      deps.onEvent(
        `${name}: ${method} ${path} ${status} in ${Math.round(performance.now() - startedAt)} ms${detail}`,
      );
  const answer = (from: HostAnswer) => sendAnswer(response, from, log('no function'));

  passIdentity(request);
  const refused = refusal(request);
  if (refused !== undefined) return answer({ status: refused });
  const key = presentedKey(request.headersDistinct['x-functions-key']?.[0], url);
  if (!serving && path !== '/admin/host/ping')
    return answer({ status: 503, body: 'Function host is not running.' });
  const admin = await answerAdmin(method, path, key, deps);
  if (admin) return answer(admin);
  const route = () => callFunction(deps, serving, { method, path, key, log }, request, response);
  // The real host counts the requests before it reads the body, looks for the function, or checks the key.
  if (!(await deps.queue.run(route))) answer(tooManyRequests);
}

/** Calls the function of a request, if there is one, and if the key is right. */
async function callFunction(
  { keys, running }: HttpDependencies,
  serving: Serving,
  { method, path, key, log }: Target,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const found = findFunction(serving?.functions ?? [], method, path);
  if (!serving || !found) return sendAnswer(response, { status: 404 }, log('no function'));
  const { httpFunction } = found;
  const { name, authLevel } = httpFunction;
  if (!(await keys.isAuthorized(name, authLevel, key)))
    return sendAnswer(response, { status: 401 }, log(name));
  // A request of HTTP/1.0 may lack the header. No URL can then be built.
  if (request.headers.host === undefined) return sendAnswer(response, { status: 500 }, log(name));
  await running.run(name, async () => {
    await runFunction(serving.workers, { ...found, path, log: log(name) }, request, response);
    // The invocation counts as running until the last byte is sent. Otherwise a stop would cut the response off.
    if (!response.closed) await once(response, 'close');
  });
}

/** What a request wants to call. */
interface Target {
  method: string;
  path: string;
  key: string | undefined;
  log(name: string): (status: number, detail?: string) => void;
}

interface Call {
  httpFunction: HttpFunction;
  params: Record<string, string>;
  path: string;
  log(status: number, detail?: string): void;
}

async function runFunction(
  workers: Workers,
  { httpFunction, params, path, log }: Call,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === 'too-large') {
    response.setHeader('connection', 'close');
    // The real host was seen to answer 500 for an anonymous function.
    return sendAnswer(response, { status: httpFunction.authLevel === 'anonymous' ? 500 : 413 }, log);
  }
  try {
    const { returnValue } = await workers.invoke(httpFunction.metadata, {
      data: { http: toHttpData(request, path, params, body) },
      caller: { traceparent: request.headers.traceparent, tracestate: request.headers.tracestate },
    });
    log(sendHttpData(response, returnValue?.http ?? undefined));
  } catch (error) {
    for (const header of response.getHeaderNames()) response.removeHeader(header);
    sendAnswer(response, { status: 500 }, (status) => log(status, `: ${describeError(error)}`));
  }
}

/**
 * Finds the function for a request and the parameters of its route: the first that matches, in the order of registration. A
 * literal does not win over a parameter. A wrong method counts as an unknown path, as on Azure.
 */
function findFunction(functions: HttpFunction[], method: string, path: string) {
  for (const httpFunction of functions) {
    if (httpFunction.methods.length > 0 && !httpFunction.methods.includes(method)) continue;
    const params = httpFunction.route.match(path);
    if (params) return { httpFunction, params };
  }
  return undefined;
}

/** Sends an answer of the host itself. */
function sendAnswer(
  response: ServerResponse,
  { status, body, headers = {} }: HostAnswer,
  log: (status: number) => void,
): void {
  const text = typeof body === 'object' ? JSON.stringify(body) : (body ?? '');
  if (text !== '') {
    response.setHeader('content-type', typeof body === 'object' ? 'application/json' : 'text/plain');
  }
  response.setHeader('content-length', Buffer.byteLength(text));
  response.writeHead(status, headers).end(text);
  log(status);
}
