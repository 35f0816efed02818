import { createServer, type Server, type Socket } from 'node:net';

/** What a client speaks, told by its first byte: `A` of `AMQP`, or the handshake record of TLS. */
export type Protocol = 'amqp' | 'tls' | 'other';

const protocols: Record<number, Protocol> = { 65: 'amqp', 22: 'tls' };

/** Someone who connects and says nothing is let go after this time. */
const silenceMs = 30_000;

/** A server that serves AMQP and TLS on one port, as the SDK's two clients dial the same one. */
export function sniff(serve: (socket: Socket, protocol: Protocol) => void): Server {
  return createServer({ noDelay: true }, (socket) => {
    const ignore = () => {};
    socket.on('error', ignore);
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.once('readable', () => {
      socket.setTimeout(0);
      const first: Buffer | null = socket.read();
      if (!first) return;
      socket.unshift(first);
      serve(socket, protocols[first[0]!] ?? 'other');
    });
  });
}
