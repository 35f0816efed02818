import { type IncomingMessage, type RequestListener, type ServerResponse, STATUS_CODES } from 'node:http';
import { type Answer, type Handle, type ReceivedRequest, readRequest } from './requests.js';
import type { Control } from './startControl.js';

/** A simulated service, as `applyFaults` needs it. */
export interface SimulatedService {
  /** Executes a request and returns the answer. A request that a fault refuses "with effect" is executed too. */
  handle: Handle;
  /** Replaces the changing parts of a path for the request counts. Default: the path as received. */
  pattern?(received: ReceivedRequest): string;
  /** The subjects of a request, for faults with a `subject`. Default: none. */
  subjects?(received: ReceivedRequest): string[];
  /** Largest body, bytes; a larger body is answered with 413. Default 10 MiB. */
  maxBodyBytes?: number;
  /** Called with a line of text when `handle` throws. A throw is a defect of the simulator. */
  onEvent?(line: string): void;
}

type Ending = { status: number | null; fault?: 'status' | 'reset' | 'hang' | 'halfAnswer' };

/**
 * Makes a request listener for `http.createServer` or `https.createServer` out of `handle`. The listener applies the
 * faults of `control`, and logs each request in `control.requests`.
 *
 * `handle` is a function from request to answer and never sees the connection. A request can therefore take effect
 * although the answer is lost, delayed, cut off or replaced.
 */
export function applyFaults(control: Control, service: SimulatedService): RequestListener {
  const { pattern = ({ path }) => path, maxBodyBytes = 10 * 1024 * 1024, onEvent = () => {} } = service;

  const handle: Handle = async (received) => {
    try {
      return await service.handle(received);
    } catch (error) {
      onEvent(
        `defect at ${received.method} ${received.path}: ${error instanceof Error ? error.stack : error}`,
      );
      return { status: 500, body: 'Internal Server Error' };
    }
  };

  return async (request, response) => {
    const at = new Date();
    const started = performance.now();
    const received = await readRequest(request, maxBodyBytes).catch(() => undefined);
    if (!received) return; // The client has disconnected in the middle of the request.
    const ending = await respond(received, request, response);
    const tookMs = Math.round((performance.now() - started) * 10) / 10;
    control.requests.add({
      method: received.method,
      path: pattern(received),
      ...ending,
      at: at.toISOString(),
      tookMs,
    });
  };

  async function respond(
    received: ReceivedRequest,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<Ending> {
    if (received.tooLarge) {
      send(response, { status: 413, body: 'request entity too large' });
      return { status: 413 };
    }
    const { fault, delayMs } = control.faults.judge(
      received.method,
      received.target,
      () => service.subjects?.(received) ?? [],
    );
    if (delayMs > 0) await control.faults.delay(delayMs);
    if (!fault) {
      const answer = await handle(received);
      send(response, answer);
      return { status: answer.status };
    }

    const real = fault.effect === 'now' ? await handle(received) : undefined;
    if (typeof fault.effect === 'object') control.later(fault.effect.lateMs, () => handle(received));
    if (fault.hang) return { status: null, fault: 'hang' };
    if (fault.reset) {
      reset(request);
      return { status: null, fault: 'reset' };
    }
    if (fault.halfAnswer) {
      const answer = real ?? { status: 200, body: { message: 'the half of an answer' } };
      sendHalf(request, response, answer);
      return { status: answer.status, fault: 'halfAnswer' };
    }
    const status = fault.status ?? 500;
    send(
      response,
      fault.gateway
        ? gatewayPage(status, fault.headers)
        : { status, headers: fault.headers, body: fault.body },
    );
    return { status, fault: 'status' };
  }
}

/** The page that nginx, and gateways like nginx, answer while the service behind them does not answer. */
function gatewayPage(status: number, headers: Record<string, string> = {}): Answer {
  const title = `${status} ${STATUS_CODES[status] ?? ''}`.trim();
  const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: { 'content-type': 'text/html', ...headers }, body };
}

function send(response: ServerResponse, answer: Answer): void {
  const { headers, bytes } = encode(answer);
  response.writeHead(answer.status, headers).end(bytes);
}

function sendHalf(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  const { headers, bytes } = encode(answer);
  response.writeHead(answer.status, headers);
  // The socket is destroyed after the kernel has taken the first half. Otherwise nothing at all would arrive.
  response.write(bytes.subarray(0, Math.ceil(bytes.length / 2)), () => request.socket.destroy());
}

function encode({ headers = {}, body }: Answer) {
  const text = body === undefined || typeof body === 'string';
  const bytes = Buffer.from(text ? (body ?? '') : JSON.stringify(body));
  const type = text ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
  const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
  const defaults: Record<string, string> = { 'content-length': String(bytes.length) };
  if (bytes.length > 0 && !named.has('content-type')) defaults['content-type'] = type;
  return { headers: { ...defaults, ...headers }, bytes };
}

/** Resets a plain TCP connection. Node cannot reset a TLS connection, and so a TLS socket is destroyed. */
function reset({ socket }: IncomingMessage): void {
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}
