import type { AmqpError, link, Sender } from 'rhea';
import { internals } from './internals.js';

/** Accepts the settle modes that the peer requested. rhea would answer with its own settle modes. */
export function mirrorSettleModes(opened: link): void {
  const { attach } = internals.link(opened).local;
  attach.snd_settle_mode = opened.snd_settle_mode;
  attach.rcv_settle_mode = opened.rcv_settle_mode;
}

/**
 * Refuses a link that the peer has just opened. As AMQP 1.0 (part 2, section 2.6.3) requires, the answer to the attach has a
 * null terminus, and the detach carries the error. Without the null terminus, the .NET SDK takes the link for a working link.
 */
export function refuseLink(opened: link, error: AmqpError): void {
  const { attach } = internals.link(opened).local;
  if (opened.is_receiver()) attach.target = undefined;
  else attach.source = undefined;
  opened.close(error);
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
