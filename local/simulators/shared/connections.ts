import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/** The open connections of a simulator, for faults of the network between a client and the simulator. */
export interface Connections {
  /** Watches the connections of a server: of a TLS server the decrypted ones, of any other server all. */
  watch(server: Server): void;
  add(socket: Socket): void;
  /**
   * Drops all open connections without a word, as a NAT does after its idle timeout: both ends believe that the connection is open, and
   * nothing arrives any more, neither data nor FIN nor RST. New connections work.
   *
   * @returns the number of dropped connections
   */
  dropSilently(): number;
  /** Destroys the connections that were dropped silently. A server cannot close without this call. */
  close(): void;
}

export function createConnections(): Connections {
  const open = new Set<Socket>();
  const dropped: Array<() => void> = [];
  const add = (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  };
  return {
    watch: (server) => void server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', add),
    add,
    dropSilently() {
      const sockets = [...open];
      open.clear();
      dropped.push(...sockets.map(silence));
      return sockets.length;
    },
    close() {
      for (const destroy of dropped.splice(0)) destroy();
    },
  };
}

/**
 * Makes a connection carry nothing any more. The server behind the socket notices nothing.
 *
 * @returns a function that really destroys the socket
 */
function silence(socket: Socket): () => void {
  const destroy = socket.destroy.bind(socket);
  // A listener for `readable` stops the reading, also by the HTTP parser. The kernel still takes what the client sends.
  socket.on('readable', () => {});
  const swallow = (...args: unknown[]) => {
    const done = args.findLast((arg) => typeof arg === 'function') as (() => void) | undefined;
    if (done) setImmediate(done);
    return true;
  };
  const nothing = () => socket;
  Object.assign(socket, { write: swallow, end: nothing, destroy: nothing, destroySoon: nothing });
  socket.setTimeout(0);
  return () => void destroy();
}
