import type { Socket } from 'node:net';
import rhea, {
  type Connection,
  type Delivery,
  type link,
  type Receiver,
  type Sender,
  type Session,
} from 'rhea';
import { accepted, rejected } from './amqpError.js';

/**
 * Internals of rhea 3 that the broker needs and the typings lack. rhea is made for clients. A server must see raw bytes,
 * mirror settle modes and answer drains, and rhea has no options for these tasks. All code that relies on rhea's internals
 * is in this file.
 */
interface TransferFrame {
  performative: { message_format: number | null; handle: number };
  payload?: Buffer;
}

interface SessionInternals {
  remote: { handles: Record<number, Receiver | undefined> };
  output(performative: unknown): void;
  outgoing: { next_delivery_id: number; next_pending_delivery: number; available(): number };
}

interface LinkInternals {
  local: { attach: { snd_settle_mode: number; rcv_settle_mode: number; target: unknown; source: unknown } };
  credit: number;
  delivery_count: number;
  issue_flow: boolean;
  _incomplete?: { frames?: Buffer[] };
  _get_drain(): boolean;
}

interface ConnectionInternals {
  accept(socket: Socket): void;
  input(bytes: Buffer): void;
  on_transfer(frame: TransferFrame & { channel: number }): void;
  remote_channel_map: Record<number, Session | undefined>;
  frame_size: number | undefined;
  _register(): void;
  _process(): void;
  _disconnected(): void;
}

const internals = {
  connection: (connection: Connection) => connection as unknown as ConnectionInternals,
  session: (session: Session) => session as unknown as SessionInternals,
  link: (of: link) => of as unknown as LinkInternals,
};

/** Replaces message format 0. rhea decodes messages of format 0 and thereby loses the AMQP types of the values. */
const undecodedFormat = 0xffffffff;

/** The format of a message that {@link acceptSocket} left undecoded. */
export const formatOf = (delivery: Delivery): number =>
  delivery.format === undecodedFormat ? 0 : delivery.format;

export interface SocketRules {
  /** True if the broker wants the messages of this link as undecoded bytes. */
  isRaw(receiver: Receiver): boolean;
  /** Called with the number of bytes received so far of an incomplete message. */
  onGrowing(receiver: Receiver, size: number): void;
  /** Largest frame, in bytes. */
  maxFrameSize: number;
  /** Called if a frame header announces more than `maxFrameSize` bytes. */
  onHugeFrame(size: number): void;
}

/** Speaks AMQP on a socket. */
export function acceptSocket(connection: Connection, socket: Socket, rules: SocketRules): void {
  const inside = internals.connection(connection);
  const { input, on_transfer: onTransfer, _process: writeFrames } = inside;
  inside.on_transfer = (frame) => {
    const session = inside.remote_channel_map[frame.channel];
    const receiver = session && internals.session(session).remote.handles[frame.performative.handle];
    if (receiver && rules.isRaw(receiver)) {
      if (!frame.performative.message_format) frame.performative.message_format = undecodedFormat;
      const frames = internals.link(receiver)._incomplete?.frames ?? [];
      const size = frames.reduce((sum, { length }) => sum + length, frame.payload?.length ?? 0);
      rules.onGrowing(receiver, size);
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

/** Writes pending frames now instead of at the next tick, because the caller is about to close the socket. */
export const writeNow = (connection: Connection): void => internals.connection(connection)._process();

/** Accepts the settle modes that the peer requested. rhea would answer with its own settle modes. */
export function mirrorSettleModes(sender: Sender): void {
  const { attach } = internals.link(sender).local;
  attach.snd_settle_mode = sender.snd_settle_mode;
  attach.rcv_settle_mode = sender.rcv_settle_mode;
}

/**
 * The number of deliveries that this sender may still get. rhea reduces the credit only when a frame is written, so
 * unwritten deliveries are subtracted here.
 */
export function freeCredit(sender: Sender): number {
  if (!sender.is_open()) return 0;
  const { outgoing } = internals.session(sender.session);
  return Math.min(internals.link(sender).credit - unwritten(sender), outgoing.available());
}

const unwritten = (sender: Sender): number => {
  const { outgoing } = internals.session(sender.session);
  return outgoing.next_delivery_id - outgoing.next_pending_delivery;
};

/**
 * Makes rhea answer every drain request, also a request without remaining credit. The SDK waits for the answer, and closes
 * the link if no answer arrives.
 * @returns a function for the caller to call after sending all available messages
 */
export function drainAnswerer(sender: Sender): () => void {
  const inside = internals.link(sender);
  let isOwed = false;
  inside._get_drain = () => {
    // Deliveries that wait for the peer's session window still need their credit.
    if (!isOwed || unwritten(sender) > 0) return false;
    isOwed = false;
    inside.delivery_count += inside.credit;
    inside.credit = 0;
    return true;
  };
  const issue = () => {
    if (!isOwed) return;
    inside.issue_flow = true;
    internals.connection(sender.connection)._register();
  };
  sender.on('sender_flow', issue);
  return () => {
    isOwed = true;
    issue();
  };
}

const disposition = rhea.types.define_composite({
  name: 'disposition',
  code: 0x15,
  fields: [
    { name: 'role', type: 'boolean' },
    { name: 'first', type: 'uint' },
    { name: 'last', type: 'uint' },
    { name: 'settled', type: 'boolean' },
    { name: 'state', type: '*' },
  ],
}) as unknown as { create(fields: Record<string, unknown>): unknown };

/** Settles a delivery as accepted. rhea combines consecutive deliveries into one disposition. */
export function accept(delivery: Delivery): void {
  delivery.update(true, accepted);
  // The SDK does not report its own settlement again. Without this flag rhea would keep the delivery forever.
  (delivery as { remote_settled: boolean }).remote_settled = true;
}

/**
 * Settles a delivery with an error, in a disposition of its own. rhea (3.0.5) compares the outcomes of neighbouring
 * deliveries only from the third delivery on. In a shared disposition, a rejection directly after an acceptance would
 * therefore become an acceptance.
 */
export function reject(delivery: Delivery, error: unknown): void {
  const settling = delivery as { settled: boolean; remote_settled: boolean };
  settling.settled = true;
  settling.remote_settled = true;
  const { id, link: of } = delivery;
  const fields = { role: of.is_receiver(), first: id, last: id, settled: true, state: rejected(error) };
  internals.session(of.session).output(disposition.create(fields));
  internals.connection(of.connection)._register();
}
