import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy that counts the requests for tables. */
export interface CountingProxy {
  url: string;
  /** Requests until now, by method and table. */
  counts(): Record<string, number>;
  close(): void;
}

/** Starts a proxy that forwards requests for tables and counts them. */
export async function startCountingProxy(target: string): Promise<CountingProxy> {
  const counts: Record<string, number> = {};
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    const table = /^\/\w+\/(\w+)/.exec(incoming.url ?? '')?.[1] ?? '';
    const what = `${incoming.method} ${table}`;
    counts[what] = (counts[what] ?? 0) + 1;
    const { method, headers } = incoming;
    const passed = request(`${target}${incoming.url}`, { method, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    counts: () => ({ ...counts }),
    close() {
      server.closeAllConnections();
      server.close();
      agent.destroy();
    },
  };
}
