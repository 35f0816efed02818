import type { Ticket } from './DeviceRecord.js';

/** Is work owed, and not given up? */
export function live(ticket: Ticket | null): ticket is Ticket {
  return ticket !== null && !ticket.dead;
}
