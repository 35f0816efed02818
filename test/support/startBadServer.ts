import { connect, createServer, type Socket } from 'node:net';
import { listen } from '../../local/simulators/shared/loopback.js';

/** A server on loopback. Its connections end badly until `passOnTo`. */
export interface BadServer {
  port: number;
  /** The number of connections that have ended. */
  ended(): number;
  /** Passes each new connection on to a port on loopback. */
  passOnTo(port: number): void;
  close(): void;
}

export type BadEnding = 'reset' | 'end' | 'silence';

/**
 * @param ending `reset`: each connection is reset after its first bytes; `end`: each connection ends without an answer; `silence`: no
 * connection gets an answer
 */
export async function startBadServer(ending: BadEnding): Promise<BadServer> {
  const open = new Set<Socket>();
  let onwards: number | undefined;
  let ended = 0;
  const server = createServer((socket) => {
    open.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => {
        open.delete(socket);
        ended += 1;
      });
    if (onwards !== undefined) {
      const onward = connect(onwards, '127.0.0.1').on('error', () => socket.destroy());
      socket.on('close', () => onward.destroy());
      socket.pipe(onward).pipe(socket);
    } else if (ending !== 'silence')
      socket.once('data', () => (ending === 'reset' ? socket.resetAndDestroy() : socket.end()));
  });
  return {
    port: await listen(server, 0),
    ended: () => ended,
    passOnTo: (port) => {
      onwards = port;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
