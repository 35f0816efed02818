import type { Job } from '../../../src/device/record.js';
import { reschedule } from '../../../src/device/transitions.js';
import { now, recordWith } from '../../support/records.js';

const jobAfter = (job: Job | null, ...[due, more]: [number, Parameters<typeof reschedule>[2]?]) => {
  const record = recordWith({ job, lastGeneration: 7 });
  reschedule(record, due, more);
  return record.job;
};

test('work that is owed again has the next number, so that older messages are superseded', () => {
  const record = recordWith({ job: { generation: 7, kind: 'change', due: now }, lastGeneration: 7 });
  reschedule(record, now + 5);
  expect(record).toMatchObject({ lastGeneration: 8, job: { generation: 8, due: now + 5 } });
});

test('where no work was owed, it is a change', () => {
  expect(jobAfter(null, now)).toEqual({ generation: 8, kind: 'change', due: now });
});

test('a check stays a check, and its distrust stays', () => {
  expect(jobAfter({ generation: 7, kind: 'check', due: 0, forceVerify: true }, now)).toEqual({
    generation: 8,
    kind: 'check',
    due: now,
    forceVerify: true,
  });
});

test('a slot, a failed send and a given-up ticket are not kept', () => {
  expect(
    jobAfter({ generation: 7, kind: 'change', due: 0, reservation: 5, unsent: true, dead: { at: 1 } }, now),
  ).toEqual({
    generation: 8,
    kind: 'change',
    due: now,
  });
});

test('a slot that is named is kept', () => {
  expect(
    jobAfter({ generation: 7, kind: 'change', due: 0, reservation: 5 }, now, { reservation: 9 }),
  ).toMatchObject({ reservation: 9 });
});

test('the time is in whole milliseconds, as the message says it', () => {
  expect(jobAfter(null, now + 0.4)).toMatchObject({ due: now });
});
