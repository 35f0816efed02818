import type { Ticket } from '../../../src/device/record.js';
import { again } from '../../../src/device/transitions.js';
import { now, recordWith } from '../../support/records.js';

const ticketAfter = (ticket: Ticket | null, ...[due, more]: [number, Parameters<typeof again>[2]?]) => {
  const record = recordWith({ ticket, lastN: 7 });
  again(record, due, more);
  return record.ticket;
};

test('work that is owed again has the next number, so that older messages are superseded', () => {
  const record = recordWith({ ticket: { n: 7, kind: 'change', due: now }, lastN: 7 });
  again(record, now + 5);
  expect(record).toMatchObject({ lastN: 8, ticket: { n: 8, due: now + 5 } });
});

test('where no work was owed, it is a change', () => {
  expect(ticketAfter(null, now)).toEqual({ n: 8, kind: 'change', due: now });
});

test('a check stays a check, and its distrust stays', () => {
  expect(ticketAfter({ n: 7, kind: 'check', due: 0, distrust: true }, now)).toEqual({
    n: 8,
    kind: 'check',
    due: now,
    distrust: true,
  });
});

test('a slot, a failed send and a given-up ticket are not kept', () => {
  expect(ticketAfter({ n: 7, kind: 'change', due: 0, slot: 5, unsent: true, dead: { at: 1 } }, now)).toEqual({
    n: 8,
    kind: 'change',
    due: now,
  });
});

test('a slot that is named is kept', () => {
  expect(ticketAfter({ n: 7, kind: 'change', due: 0, slot: 5 }, now, { slot: 9 })).toMatchObject({ slot: 9 });
});

test('the time is in whole milliseconds, as the message says it', () => {
  expect(ticketAfter(null, now + 0.4)).toMatchObject({ due: now });
});
