import { iso, isoOrNull } from '../../iso.js';
import { heldThumbprint } from '../../record/heldThumbprint.js';
import { type Summary, summaryState } from '../../record/Summary.js';
import type { RecordLine } from '../RecordLine.js';

/** @param now Unix ms */
export function lineOf(summary: Summary, now: number): RecordLine {
  const { uuid, operation, service, fleet, code, step, message, attempts, replays, ticket } = summary;
  return {
    uuid,
    state: summaryState(summary, now),
    operation,
    service,
    fleet,
    code,
    step,
    message,
    attempts,
    replays,
    requestedAt: iso(summary.requestedAt),
    completedAt: isoOrNull(summary.completedAt),
    dueAt: ticket && ticket.deadAt === null ? iso(ticket.due) : null,
    certificateExpiresAt: heldThumbprint(summary) === null ? null : isoOrNull(summary.notAfter),
  };
}
