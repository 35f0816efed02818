import { connect, createServer, type Socket } from 'node:net';
import { listen } from '../../local/listen.js';

export interface Proxy {
  port: number;
  /** Connections that were made. */
  made(): number;
  /** Connections that are open now. */
  open(): number;
  close(): Promise<void>;
}

/** Passes TCP connections on to a port on loopback, and counts them. */
export async function startProxy(to: number): Promise<Proxy> {
  const open = new Set<Socket>();
  let made = 0;
  const server = createServer((socket) => {
    made += 1;
    open.add(socket);
    const onward = connect(to, '127.0.0.1');
    socket.pipe(onward).pipe(socket);
    for (const [end, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      end.on('error', () => other.destroy());
      end.on('close', () => other.destroy());
    }
    socket.on('close', () => open.delete(socket));
  });
  const port = await listen(server, 0);
  return {
    port,
    made: () => made,
    open: () => open.size,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
