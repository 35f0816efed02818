import { createServer } from 'node:http';
import { listen } from '../../shared/loopback.js';
import type { Trigger } from '../trigger.js';
import { type Answering, answer } from './answer.js';

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
