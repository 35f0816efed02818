import type { Socket } from 'node:net';
import type { Connection, link, Session } from 'rhea';

/**
 * Internals of rhea 3 that the broker needs and the typings lack. rhea is made for clients. A server must see raw bytes,
 * mirror settle modes, refuse links and answer drains, and rhea has no options for these tasks. All code that relies on rhea's
 * internals is in this folder.
 */
export interface TransferFrame {
  performative: { message_format: number | null; handle: number };
  payload?: Buffer;
  channel: number;
}

export interface AttachFrame {
  performative: { target: { descriptor?: { value: unknown } } | undefined };
}

export interface FlowFrame {
  performative: { handle?: number | null };
  channel: number;
}

interface SessionInternals {
  remote: { handles: Record<number, link | undefined> };
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

export interface ConnectionInternals {
  accept(socket: Socket): void;
  input(bytes: Buffer): void;
  on_transfer(frame: TransferFrame): void;
  on_attach(frame: AttachFrame): void;
  on_flow(frame: FlowFrame): void;
  on_disposition(frame: { channel: number }): void;
  remote_channel_map: Record<number, Session | undefined>;
  frame_size: number | undefined;
  _register(): void;
  _process(): void;
  _disconnected(): void;
}

export const internals = {
  connection: (connection: Connection) => connection as unknown as ConnectionInternals,
  session: (session: Session) => session as unknown as SessionInternals,
  link: (of: link) => of as unknown as LinkInternals,
};
