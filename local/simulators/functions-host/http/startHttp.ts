import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '../../shared/listen.js';
import type { App } from '../createApp.js';
import { describeError, invoke } from '../invoke.js';
import type { Running, Trigger } from '../trigger.js';
import { isHost, readBody, sendHttpData, toHttpData } from './httpData.js';
import type { HttpFunction } from './httpFunction.js';
import { type Keys, mayCall, presentedKey } from './keys.js';

/** Limits of the real host's web server. */
const kestrel = { keepAliveTimeout: 130_000, maxHeaderSize: 32 * 1024 };

/**
 * Serves the HTTP functions on loopback.
 *
 * @param port 0 for any free one
 * @param orFreePort take a free one when the port is in use
 */
export async function startHttp(
  answering: Answering,
  { port, orFreePort }: { port: number; orFreePort: boolean },
): Promise<Trigger & { url: string }> {
  const server = createServer(kestrel, (request, response) => {
    // A client that keeps its connection would otherwise go on asking a host that is on its way out.
    if (!server.listening) response.setHeader('connection', 'close');
    // The client went away while it was sending: there is nobody left to answer.
    answer(answering, request, response).catch(() => response.destroy());
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

export interface Answering {
  app: App;
  /** Most specific route first. */
  functions: HttpFunction[];
  keys: Keys;
  running: Running;
  onEvent(line: string): void;
}

/** What is asked for: the function, and the parameters of its route. A wrong method is as unknown as a wrong path. */
export function findFunction(functions: HttpFunction[], method: string, path: string) {
  for (const wanted of functions) {
    if (wanted.methods.length > 0 && !wanted.methods.includes(method)) continue;
    const params = wanted.route.match(path);
    if (params) return { wanted, params };
  }
  return undefined;
}

/** Answers one request as the real host does; only the path, never the query (which may hold a key), is logged. */
export async function answer(
  { app, functions, keys, running, onEvent }: Answering,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedAt = performance.now();
  const { method = 'GET', url = '/' } = request;
  const [path = '/'] = url.split('?');
  const found = findFunction(functions, method, path);
  const name = found?.wanted.name ?? 'no function';
  const say = (outcome: number, why = '') =>
    onEvent(`${name}: ${method} ${path} ${outcome} in ${Math.round(performance.now() - startedAt)} ms${why}`);

  if (!isHost(request.headers.host)) return refuse(response, 400, say);
  if (!found) return refuse(response, 404, say);
  const { wanted, params } = found;
  const key = presentedKey(request.headersDistinct['x-functions-key']?.[0], url);
  if (!mayCall(keys, wanted.name, wanted.authLevel, key)) return refuse(response, 401, say);

  await running.run(wanted.name, async () => {
    const body = await readBody(request);
    if (body === 'too-large') {
      response.setHeader('connection', 'close');
      return refuse(response, 413, say);
    }
    try {
      const http = toHttpData(request, params, body);
      const { returnValue } = await invoke(app, wanted.registered, {
        data: { http },
        caller: { traceparent: request.headers.traceparent, tracestate: request.headers.tracestate },
      });
      say(sendHttpData(response, returnValue?.http ?? undefined));
    } catch (error) {
      for (const header of response.getHeaderNames()) response.removeHeader(header);
      refuse(response, 500, (status) => say(status, `: ${describeError(error)}`));
    }
    // Running until the last byte is out: a stop would cut it off.
    if (!response.closed) await once(response, 'close');
  });
}

function refuse(response: ServerResponse, status: number, say: (status: number) => void): void {
  response.setHeader('content-length', 0);
  response.writeHead(status).end();
  say(status);
}
