import { createServer } from 'node:http';
import { z } from 'zod';
import { type Connections, createConnections } from './connections.js';
import { createFaults, type Faults, manyFaults, oneOrManyFaults } from './faults.js';
import { listen } from './loopback.js';
import { createRequestLog, type RequestLog, readRequest } from './requests.js';

/**
 * The control server of a simulator: plain HTTP and JSON, on loopback, without a key.
 *
 * | request | |
 * |---|---|
 * | `GET /faults` | the faults, each with its `hits` |
 * | `POST /faults` | add a fault or an array of faults (see faults.ts) |
 * | `PUT /faults` | replace all faults by an array, and repeat the random numbers from the seed |
 * | `DELETE /faults` | remove all faults; late effects under way still happen |
 * | `PUT /seed` | `{"seed": 7}`: restart the random numbers of the faults from this seed |
 * | `POST /drop` | drop all open connections silently (see connections.ts); `{dropped}` is their number |
 * | `GET /requests` | `{total, counts, requests}`: the requests to the simulator (see requests.ts) |
 * | `DELETE /requests` | restart the counts |
 *
 * Each simulator adds routes of its own. Bad input is answered with 400 and `{"error": "what to send"}`.
 *
 * Example:
 * ```ts
 * const control = await startControl({ routes: { 'PUT /throttle': ({ body }) => setRate(throttle.parse(body)) } });
 * const server = createServer(applyFaults(control, { handle, pattern: () => '/devices/{id}' }));
 * ```
 */
export interface Control {
  /** Without a slash at the end. */
  url: string;
  faults: Faults;
  requests: RequestLog;
  /** The connections that `POST /drop` drops. The simulator adds its servers. */
  connections: Connections;
  /** Calls `run` after a number of milliseconds, unless `close` comes first. */
  later(ms: number, run: () => unknown): void;
  close(): Promise<void>;
}

export interface ControlOptions {
  /** Default: any free port. */
  port?: number;
  /** Of the random generator for faults with a probability. Default 1. */
  seed?: number;
  /** Default: new connections, without a server. */
  connections?: Connections;
  /**
   * Further routes, for example `'DELETE /devices/{uuid}'`. A ZodError or BadRequest from a route is answered with
   * 400.
   */
  routes?: Routes;
}

/** Thrown by a route for unusable input; the message says what to send. */
export class BadRequest extends Error {}

const maxBodyBytes = 50 * 1024 * 1024;
const seedBody = z.strictObject({ seed: z.int() });

export async function startControl({
  port = 0,
  seed,
  connections = createConnections(),
  routes = {},
}: ControlOptions = {}): Promise<Control> {
  const faults = createFaults(seed);
  const requests = createRequestLog();
  const timers = new Set<NodeJS.Timeout>();
  const own: Routes = {
    'GET /faults': () => faults.list(),
    'POST /faults': ({ body }) => faults.add(oneOrManyFaults.parse(body)),
    'PUT /faults': ({ body }) => faults.replace(manyFaults.parse(body)),
    'DELETE /faults': () => faults.replace([]),
    'PUT /seed': ({ body }) => faults.seed(seedBody.parse(body).seed),
    'POST /drop': () => ({ dropped: connections.dropSilently() }),
    'GET /requests': () => requests.summary(),
    'DELETE /requests': () => requests.clear(),
  };
  const all = { ...own, ...routes };

  const server = createServer(async (request, response) => {
    const answer = (status: number, body?: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(body === undefined ? undefined : `${JSON.stringify(body)}\n`);
    };
    try {
      const { method, path, query, body } = await readRequest(request, maxBodyBytes);
      const found = findRoute(all, method, path);
      if (!found) return answer(404, { error: `send one of ${Object.keys(all).join(', ')}` });
      const result = await found.route({ params: found.params, query, body: parseBody(body) });
      answer(result === undefined ? 204 : 200, result);
    } catch (error) {
      if (error instanceof z.ZodError) return answer(400, { error: z.prettifyError(error) });
      if (error instanceof BadRequest) return answer(400, { error: error.message });
      answer(500, { error: String(error) });
    }
  });
  const url = `http://127.0.0.1:${await listen(server, port)}`;

  return {
    url,
    faults,
    requests,
    connections,
    later(ms, run) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        run();
      }, ms);
      timers.add(timer);
    },
    async close() {
      for (const timer of timers) clearTimeout(timer);
      connections.close();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function parseBody(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequest('send JSON');
  }
}

/** The input of a route of the control server. */
export interface RouteCall {
  /** The `{name}` parts of the path. */
  params: Record<string, string>;
  query: URLSearchParams;
  /** The parsed JSON; undefined without a body. */
  body: unknown;
}

/** A route's result is answered as JSON with 200; undefined is answered with 204. */
export type Route = (call: RouteCall) => unknown;

/** Routes by method and path, for example `PUT /throttle` or `DELETE /devices/{uuid}`. */
export type Routes = Record<string, Route>;

export function findRoute(routes: Routes, method: string, path: string) {
  const actual = path.split('/');
  for (const [key, route] of Object.entries(routes)) {
    const [wantedMethod, wantedPath = ''] = key.split(' ');
    const wanted = wantedPath.split('/');
    if (wantedMethod !== method || wanted.length !== actual.length) continue;
    const params: Record<string, string> = {};
    const matches = wanted.every((part, index) => {
      const value = actual[index] ?? '';
      if (!part.startsWith('{')) return part === value;
      params[part.slice(1, -1)] = value;
      return value !== '';
    });
    if (matches) return { route, params };
  }
  return undefined;
}
