import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from '../createApp.js';
import type { Running } from '../createRunning.js';
import { describeError } from '../describeError.js';
import { invoke } from '../invoke.js';
import { isHost } from './isHost.js';
import { mayCall, presentedKey } from './mayCall.js';
import { readBody } from './readBody.js';
import type { HttpFunction } from './readHttpFunction.js';
import type { Keys } from './readKeys.js';
import { sendHttpData } from './sendHttpData.js';
import { toHttpData } from './toHttpData.js';

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
