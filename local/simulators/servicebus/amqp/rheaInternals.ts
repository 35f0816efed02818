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
 * What the broker needs of rhea 3 beyond its typings. rhea is made for clients; a server must see raw bytes, mirror settle
 * modes, and answer drains, for which there is no option. Everything that relies on its inside is in this file.
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

/** Stands for message format 0: rhea decodes that, and so loses the types of what it decodes. */
const undecodedFormat = 0xffffffff;

/** The format with which a message was sent that {@link acceptSocket} left undecoded. */
export const formatOf = (delivery: Delivery): number =>
  delivery.format === undecodedFormat ? 0 : delivery.format;

export interface SocketRules {
  /** Whether messages on this link are handed over as bytes. */
  isRaw(receiver: Receiver): boolean;
  /** Bytes of a message that is still coming in. */
  onGrowing(receiver: Receiver, size: number): void;
  /** Largest frame, in bytes. */
  maxFrameSize: number;
  /** A frame that is announced larger than that. */
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
    // rhea would collect whatever size the frame announces.
    if (inside.frame_size && inside.frame_size > rules.maxFrameSize) rules.onHugeFrame(inside.frame_size);
  };
  // All frames of a turn in one system call, instead of one each.
  inside._process = () => {
    socket.cork();
    writeFrames.call(connection);
    socket.uncork();
  };
  inside.accept(socket);
  // rhea hears of an end or an error, but not of a socket that was destroyed; its timers would go on.
  socket.on('close', () => inside._disconnected());
}

/** Writes what is pending now, and not at the next tick, because the socket is about to be closed. */
export const writeNow = (connection: Connection): void => internals.connection(connection)._process();

/** Agrees to the settle modes that the peer asks for: rhea would answer with its own. */
export function mirrorSettleModes(sender: Sender): void {
  const { attach } = internals.link(sender).local;
  attach.snd_settle_mode = sender.snd_settle_mode;
  attach.rcv_settle_mode = sender.rcv_settle_mode;
}

/** Deliveries that this sender may still be given: credit goes down only when a frame is written. */
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
 * Makes every drain be answered, also one that comes when there is no credit left: the SDK waits for the answer, and closes
 * the link without it.
 * @returns to be called when all that was available has been sent
 */
export function drainAnswerer(sender: Sender): () => void {
  const inside = internals.link(sender);
  let isOwed = false;
  inside._get_drain = () => {
    // What waits for the peer's window still needs its credit.
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

/** Settles a delivery: it is accepted. rhea writes neighbours together, as one disposition. */
export function accept(delivery: Delivery): void {
  delivery.update(true, accepted);
  // The SDK does not say a second time that it has settled; without this rhea keeps the delivery for ever.
  (delivery as { remote_settled: boolean }).remote_settled = true;
}

/**
 * Settles a delivery with an error. In a disposition of its own: rhea (3.0.5) compares the outcomes of two neighbours only from
 * the third delivery on, so that a refusal right behind an acceptance would be written as an acceptance.
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
