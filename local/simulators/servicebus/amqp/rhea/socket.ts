import type { Socket } from 'node:net';
import rhea, { type Connection, type Container, type link } from 'rhea';
import { undecodedFormat } from './deliveries.js';
import { type AttachFrame, type ConnectionInternals, internals } from './internals.js';

/** The descriptor of a transaction coordinator: AMQP 1.0 part 4, section 4.5.1. */
const coordinatorDescriptor = 0x30;

/** The address under which the broker sees a transaction coordinator. */
export const coordinatorAddress = '$coordinator';

const { types } = rhea;
const coordinatorTarget = types.described(
  types.wrap_ulong(0x29),
  types.wrap_list([types.wrap_string(coordinatorAddress)]),
) as AttachFrame['performative']['target'];

export interface SocketRules {
  /** Called with the number of bytes received so far of a message. */
  onGrowing(size: number): void;
  /** Called when the client has sent a frame for a link. */
  onUse(used: link): void;
  /** Largest frame, in bytes. */
  maxFrameSize: number;
  /** Called if a frame header announces more than `maxFrameSize` bytes. */
  onHugeFrame(size: number): void;
}

/** Speaks AMQP on a socket. Messages of the client arrive as undecoded bytes. */
export function acceptSocket(connection: Connection, socket: Socket, rules: SocketRules): void {
  const inside = internals.connection(connection);
  const { input, on_attach: onAttach, on_transfer: onTransfer, _process: writeFrames } = inside;
  inside.on_attach = (frame) => {
    // rhea does not know the target of a transaction.
    const isCoordinator = frame.performative.target?.descriptor?.value === coordinatorDescriptor;
    if (isCoordinator) frame.performative.target = coordinatorTarget;
    onAttach.call(connection, frame);
  };
  watchUses(inside, rules.onUse);
  inside.on_transfer = (frame) => {
    const receiver = handlesOf(inside, frame.channel)[frame.performative.handle];
    if (receiver) {
      rules.onUse(receiver);
      if (!frame.performative.message_format) frame.performative.message_format = undecodedFormat;
      const frames = internals.link(receiver)._incomplete?.frames ?? [];
      const size = frames.reduce((sum, { length }) => sum + length, frame.payload?.length ?? 0);
      rules.onGrowing(size);
    }
    onTransfer.call(connection, frame);
  };
  inside.input = (bytes) => {
    input.call(connection, bytes);
    // Without this check rhea would buffer a frame of any announced size.
    if (inside.frame_size && inside.frame_size > rules.maxFrameSize) rules.onHugeFrame(inside.frame_size);
  };
  // Writes all frames of a turn with one system call instead of one call for each frame.
  inside._process = () => {
    socket.cork();
    writeFrames.call(connection);
    socket.uncork();
  };
  inside.accept(socket);
  // rhea handles the end or an error of a socket, but not the destruction of a socket. Without this call rhea's timers
  // would continue.
  socket.on('close', () => inside._disconnected());
}

/** The links of a session, by the numbers that the client gave to the links. */
function handlesOf(inside: ConnectionInternals, channel: number): Record<number, link | undefined> {
  const session = inside.remote_channel_map[channel];
  return session ? internals.session(session).remote.handles : {};
}

/** Reports flows and dispositions. A disposition does not name a link, and concerns every link of its session. */
function watchUses(inside: ConnectionInternals, onUse: (used: link) => void): void {
  const { on_flow: onFlow, on_disposition: onDisposition } = inside;
  inside.on_flow = (frame) => {
    const { handle } = frame.performative;
    const used = typeof handle === 'number' ? handlesOf(inside, frame.channel)[handle] : undefined;
    if (used) onUse(used);
    onFlow.call(inside, frame);
  };
  inside.on_disposition = (frame) => {
    for (const used of Object.values(handlesOf(inside, frame.channel))) if (used) onUse(used);
    onDisposition.call(inside, frame);
  };
}

/** Writes pending frames now instead of at the next tick, because the caller is about to close the socket. */
export const writeNow = (connection: Connection): void => internals.connection(connection)._process();

/**
 * Offers the SASL mechanisms of Service Bus for clients that send a token to `$cbs`. Both mechanisms accept every client,
 * because the token proves the rights. The .NET SDK accepts only `MSSBCBS`, the JavaScript SDK chooses `ANONYMOUS`.
 */
export function offerMechanisms(container: Container): void {
  const accepting = () => ({ outcome: true, start() {} });
  Object.assign(container.sasl_server_mechanisms, { MSSBCBS: accepting, ANONYMOUS: accepting });
}
