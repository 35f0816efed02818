import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort, listen } from '../../local/simulators/shared/loopback.js';

/** A proxy to a port on loopback. The proxy counts connections and can cut connections. */
export interface CountingProxy {
  port: number;
  /** The number of connections since the start. */
  made(): number;
  /** The number of open connections. */
  open(): number;
  /** Passes nothing on any more, in either direction, and keeps connections open. */
  freeze(): void;
  /** Cuts all connections and refuses new connections. */
  stop(): Promise<void>;
  /** Is there again, on the same port. */
  start(): Promise<void>;
}

export async function startProxy(to: number): Promise<CountingProxy> {
  const open = new Set<Socket>();
  const onwards = new Set<Socket>();
  let made = 0;
  let frozen = false;
  const serve = (socket: Socket) => {
    made += 1;
    open.add(socket);
    const onward = connect(to, '127.0.0.1');
    onwards.add(onward);
    socket.on('close', () => {
      open.delete(socket);
      onwards.delete(onward);
    });
    end(socket, onward);
    end(onward, socket);
    if (frozen) socket.resume();
    else socket.pipe(onward).pipe(socket);
  };
  let server: Server = createServer(serve);
  // The port stays free while the proxy is stopped.
  const port = await listen(server, await freePort());
  return {
    port,
    made: () => made,
    open: () => open.size,
    freeze() {
      frozen = true;
      for (const socket of [...open, ...onwards]) socket.unpipe().resume();
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
    async start() {
      server = createServer(serve);
      await listen(server, port);
    },
  };
}

/** Ends the second connection when the first connection ends. */
function end(one: Socket, other: Socket): void {
  one.on('error', () => other.destroy());
  one.on('close', () => other.destroy());
}
