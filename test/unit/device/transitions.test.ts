import type { DeviceRecord } from '../../../src/device/record.js';
import { requestPartOf } from '../../../src/device/refusal.js';
import { isCheckNext, isDeadByOperator } from '../../../src/device/state.js';
import * as transitions from '../../../src/device/transitions.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { readTransitionTable } from '../../support/readTransitionTable.js';
import { now, provisioned, requestId, thumbprint, uuid } from '../../support/records.js';
import { jobStateOf, jobStates } from './jobState.js';
import {
  base,
  context,
  error,
  failure,
  findings,
  job,
  lease,
  lost,
  messageOf,
  minutes,
  other,
  place,
  samples,
  steps,
} from './transitionSamples.js';

const dismissed = { requestId: 'refused', requestedAt: now - 9, present: true, service: 'x' };
const withFallback = (record: DeviceRecord): DeviceRecord => ({
  ...record,
  desired: dismissed,
  fallback: requestPartOf(provisioned),
});
const withRefusal = (record: DeviceRecord): DeviceRecord => ({
  ...record,
  refusal: requestPartOf({
    ...base,
    desired: dismissed,
    failures: 2,
    job: { ...job, generation: 6, dead: { at: now - 1 } },
  }),
});

const publicKey = { key: 'K', keyAlgorithm: 'ec-p256' };
const toSign = {
  ...{ present: true, service: null, requestId, requestedAt: now },
  own: { ...publicKey, thumbprint: null, publicKey: 'spki', before: null },
};
const signedCertificate = { ...publicKey, thumbprint, notBefore: now, notAfter: now + 1, certificate: 'der' };

type Apply = (record: DeviceRecord) => DeviceRecord | null;

/** Every transition, applied to a record. The names are the names in the code and in the table of docs/protocol.md. */
const apply: Record<Exclude<keyof typeof transitions, 'prototype'>, Apply> = {
  requested: (record) => transitions.requested(record, context, { uuid, present: false }, 'new'),
  checkRequested: (record) => transitions.checkRequested(record, context, { forceVerify: true }),
  removalPostponed: (record) => transitions.removalPostponed(record, context),
  restoredFromRun: () => transitions.restoredFromRun({ ...base, job, lease }, context),
  restoredFromMessage: () => transitions.restoredFromMessage(lost, context),
  publishFailed: (record) => transitions.publishFailed(record),
  postponed: (record) =>
    transitions.postponed(record, context, now + 5, 'reservation', { reservation: place(9) }),
  signed: (record) => transitions.signed({ ...record, desired: toSign }, signedCertificate),
  leaseExpired: (record) => transitions.leaseExpired(record, context),
  leased: (record) =>
    transitions.leased(record, context, { by: 'me', until: now + minutes, lateUntil: now + 2 * minutes }),
  leaseRenewed: (record) => transitions.leaseRenewed(record, now + minutes),
  leaseInterrupted: (record) => transitions.leaseInterrupted(record),
  workerDied: (record) => transitions.workerDied(record, context, error),
  tooLarge: (record) => transitions.tooLarge(record, context, error),
  scopesFound: (record) => transitions.scopesFound(record, ['relay', 'main']),
  leaseReleased: (record) => transitions.leaseReleased(record, findings),
  leaseLost: (record) => transitions.leaseLost(record, context, ['main'], null),
  completed: (record) => transitions.completed(record, context, steps),
  looked: (record) =>
    isDeadByOperator(record.job) && isCheckNext(record) ? transitions.looked(record, context, steps) : null,
  suspended: (record) => transitions.suspended(record, context, now + 5, place(9), steps),
  retried: (record) => transitions.retried(record, context, failure, now + 5, true),
  failed: (record) => transitions.failed(record, context, failure),
  refused: (record) => transitions.refused(withFallback(record), context, failure),
  refusalReopened: (record) => transitions.refusalReopened(withRefusal(record)),
  endedAfterCancel: (record) => transitions.endedAfterCancel(record, context, 'cancelled', steps),
  replayed: (record) => transitions.replayed(record, context, { due: now + 5, by: 'me', action: 'a' }),
  restoredFromDeadLetter: () => transitions.restoredFromDeadLetter(lost, context),
  cancelled: (record) => transitions.cancelled(record, context, 'me'),
  rotationCancelled: (record) => transitions.rotationCancelled(record, context, 'me'),
  deadLettered: (record) =>
    transitions.deadLettered(record, { ...messageOf(record), due: now, enqueuedAt: now }),
  discarded: (record) =>
    transitions.discarded(record, context, { by: 'me', reason: 'no need' }, messageOf(record)),
};

/** These functions check the state themselves. */
const refusing = new Set([
  'checkRequested',
  'publishFailed',
  'cancelled',
  'rotationCancelled',
  'discarded',
  'deadLettered',
]);

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) frozen(inner);
    Object.freeze(value);
  }
  return value;
}

const everySample = jobStates.flatMap((state) =>
  samples[state].map((record, i) => ({
    state,
    record: frozen(structuredClone(record)),
    name: `${state} ${i}`,
  })),
);

test('the samples are in the states that they stand for', () => {
  for (const { state, record } of everySample) expect(jobStateOf(record, now)).toBe(state);
});

describe.each(Object.entries(apply))('%s', (name, transition) => {
  test.each(everySample)(
    'from $name: changes no argument, and keeps what no transition may lose',
    ({ record }) => {
      const next = transition(record);
      if (!next || name.startsWith('restored')) return;
      expect(next.uuid).toBe(record.uuid);
      expect(next.lastGeneration).toBeGreaterThanOrEqual(record.lastGeneration);
      expect(next.firstSeenAt).toBe(record.firstSeenAt);
      // A job with another time, kind or reservation has a new generation: an older message must not do the new work.
      if (next.job && record.job && next.job.generation === record.job.generation)
        expect(next.job.due).toBe(record.job.due);
      if (!['requested', 'rotationCancelled', 'refused', 'refusalReopened', 'signed'].includes(name))
        expect(next.desired).toEqual(record.desired);
      if (!['leaseReleased', 'leaseLost', 'leased', 'scopesFound'].includes(name))
        expect(next.scopes).toEqual(record.scopes);
    },
  );

  test('leads where the table in docs/protocol.md says, and nowhere else', async () => {
    const row = (await readTransitionTable()).get(name);
    expect(row).toBeDefined();
    for (const { state, record, name: sample } of everySample) {
      const from = name.startsWith('restored') ? 'none' : state;
      const targets = row?.get(from);
      const next = transition(record);
      if (targets && next)
        expect([sample, targets]).toEqual([sample, expect.arrayContaining([jobStateOf(next, now)])]);
      // The other functions are called only in the states of the table, because the callers have looked before.
      if (!targets && refusing.has(name)) expect([sample, next]).toEqual([sample, null]);
    }
  });
});

test('the table in docs/protocol.md names every transition, and no other', async () => {
  expect([...(await readTransitionTable()).keys()].sort()).toEqual(Object.keys(transitions).sort());
});

describe('a request', () => {
  const post = { uuid, present: true, service: 'main' } as const;

  test('without a record makes one, whose generations begin at the Unix time in seconds', () => {
    const record = transitions.requested(null, context, { ...post, retire: other }, 'new');
    const first = Math.floor(now / 1_000) + 1;
    expect(record).toMatchObject({
      desired: { present: true, service: 'main', retire: [other], requestId: 'new', requestedAt: now },
      job: { generation: first, due: now, traceparent: '00-caller' },
      firstGeneration: first,
      lastGeneration: first,
      firstSeenAt: now,
      lease: null,
      history: [{ type: 'requested', note: 'rotate at main' }],
    });
  });

  test('starts to count from zero, and forgets the failure of the request before', () => {
    const [dead] = samples.dead;
    expect(transitions.requested(dead!, context, post, 'new')).toMatchObject({
      attempts: 0,
      retries: 0,
      error: null,
      completedAt: null,
      failures: 1,
      replays: 1,
      job: {},
    });
    expect(transitions.requested(dead!, context, post, 'new').job?.dead).toBeUndefined();
  });

  test('has the next generation, and none below the Unix time: messages from before a restored record are superseded', () => {
    const seconds = now / 1_000;
    const restored = { ...provisioned, lastGeneration: seconds - 100 };
    expect(transitions.requested(restored, context, post, 'new')).toMatchObject({
      job: { generation: seconds + 1 },
      firstGeneration: seconds + 1,
      lastGeneration: seconds + 1,
    });
    const ahead = { ...provisioned, lastGeneration: seconds + 100 };
    expect(transitions.requested(ahead, context, post, 'new').lastGeneration).toBe(seconds + 101);
  });

  test('does not make the device wait longer than the job that was pending', () => {
    const [pending] = samples.pending;
    const later = { ...post, due: now + minutes };
    expect(transitions.requested(pending!, context, later, 'new').job?.due).toBe(now);
    const soon = { ...pending!, job: { ...job, due: now + 10 } };
    expect(transitions.requested(soon, context, later, 'new').job?.due).toBe(now + 10);
    expect(transitions.requested(samples.idle[0]!, context, later, 'new').job?.due).toBe(now + minutes);
  });

  test('touches neither lease nor observed state nor scopes', () => {
    const record = { ...provisioned, lease };
    const next = transitions.requested(record, context, { uuid, present: false }, 'new');
    expect(next).toMatchObject({ lease, observed: record.observed, scopes: record.scopes });
  });

  test('of a bulk action remembers what the device had to retire before', () => {
    const record = { ...provisioned, desired: { ...provisioned.desired, retire: [other], revoke: [other] } };
    expect(transitions.requested(record, context, { ...post, action: 'a' }, 'new').action).toEqual({
      id: 'a',
      error: null,
      previous: { retire: [other], revoke: [other] },
    });
  });

  test('keeps that the hub must be asked', () => {
    const record = { ...base, job: { ...job, forceVerify: true } };
    expect(transitions.requested(record, context, post, 'new').job).toMatchObject({ forceVerify: true });
  });
});

describe('a check', () => {
  test('starts to count from zero, and can be due later', () => {
    const [idle] = samples.idle;
    expect(transitions.checkRequested(idle!, context, { due: now + 9 })).toMatchObject({
      check: { due: now + 9 },
      attempts: 0,
      retries: 0,
    });
    expect(transitions.checkRequested(idle!, context, { due: now - 9 })?.check?.due).toBe(now);
  });

  test('waits beside a pending change, whose run covers the check', () => {
    const [pending] = samples.pending;
    const asked = transitions.checkRequested(pending!, context, { forceVerify: true })!;
    expect(asked).toMatchObject({ job, check: { generation: 8, due: now, forceVerify: true }, attempts: 2 });
    expect(transitions.checkRequested(asked, context, {})).toBeNull();
    const leased = transitions.leased(asked, context, {
      by: 'me',
      until: now + minutes,
      lateUntil: now + minutes,
    });
    expect(leased.job).toMatchObject({ generation: 7, forceVerify: true });
    expect(transitions.completed({ ...leased, lease: null }, context, steps)).toMatchObject({
      job: null,
      check: null,
    });
  });

  test('for a later time is not covered by a change, and is brought forward by a check for an earlier time', () => {
    const [pending] = samples.pending;
    const asked = transitions.checkRequested(pending!, context, { forceVerify: true, due: now + minutes })!;
    const leased = transitions.leased(asked, context, {
      by: 'me',
      until: now + minutes,
      lateUntil: now + minutes,
    });
    expect(leased.job).toEqual(job);
    expect(transitions.completed(leased, context, steps).check).toMatchObject({
      generation: 9,
      due: now + minutes,
      forceVerify: true,
    });
    const forward = transitions.checkRequested(asked, context)!;
    expect(forward.check).toMatchObject({ generation: 9, due: now, forceVerify: true });
    // A check that waits for the rate limiter or a closed circuit is not brought forward.
    const postponed = transitions.postponed({ ...forward, job: null }, context, now + minutes, 'dependency');
    expect(transitions.checkRequested(postponed, context)).toBeNull();
  });

  test.each([
    ['a change', { ...base, job, lease }],
    ['a check', { ...base, check: { ...job }, lease }],
  ])('that is requested during the run of %s follows the run', (_, working) => {
    const asked = transitions.checkRequested(working, context)!;
    expect(asked.check).toMatchObject({ again: true });
    const ofCheck = working.job === null;
    const ended = transitions.completed({ ...asked, lease: null }, context, steps, ofCheck);
    expect(ended).toMatchObject({ job: null, check: { generation: asked.lastGeneration + 1, due: now } });
    expect(ended.check).not.toHaveProperty('again');
    expect(transitions.failed(asked, context, failure).check).toMatchObject({ due: now });
    // The next run begins after the request.
    const released = { ...asked, lease: null };
    const later = transitions.leased(released, context, {
      by: 'me',
      until: now + minutes,
      lateUntil: now + minutes,
    });
    expect(later.check).not.toHaveProperty('again');
  });

  test('is the next work after the cancel of the bulk action that replaced it', () => {
    const replayed = transitions.replayed(samples.dead[0]!, context, { due: now + 9, by: 'me', action: 'a' });
    const asked = transitions.checkRequested(replayed, context)!;
    expect(transitions.cancelled(asked, context, 'me')).toMatchObject({
      job: { dead: { cancelled: true } },
      check: { generation: asked.lastGeneration + 1, due: now },
    });
    const renewal = { ...provisioned, check: { generation: 7, due: now + minutes }, lastGeneration: 7 };
    const post = { uuid, present: true, service: 'main', retire: other, action: 'a' } as const;
    const rotation = transitions.requested(renewal, context, post, 'new');
    expect(transitions.rotationCancelled(rotation, context, 'me')).toMatchObject({
      job: null,
      check: { due: now + minutes },
    });
  });

  test('of a dead job that succeeds ends the job', () => {
    const dead = samples.pending.find((record) => record.job?.dead && record.check)!;
    expect(transitions.completed(dead, context, steps, true)).toMatchObject({
      job: null,
      check: null,
      error: null,
      completedAt: now,
    });
  });

  test('of a dead job keeps the error of the request, unless the check finds another final one', () => {
    const error = { code: 'service-not-found', step: null, message: 'No such service.', at: 5 } as const;
    const dead = { ...samples.pending.find((record) => record.job?.dead && record.check)!, error };
    const slow = { ...failure, error: new ProvisioningError('timed-out', 'No answer.') };
    const gone = { ...failure, error: new ProvisioningError('device-not-found', 'Gone.') };
    expect(transitions.retried(dead, context, slow, now + 5, true)).toMatchObject({ error, job: dead.job });
    expect(transitions.failed(dead, context, slow)).toMatchObject({ error, job: dead.job, check: null });
    expect(transitions.failed(dead, context, gone)).toMatchObject({
      error: { code: 'device-not-found' },
      job: dead.job,
      failures: dead.failures,
    });
  });
});

test.each([
  ['provision', { present: true, service: 'main' }],
  ['deprovision', { present: false, service: null }],
] as const)('a message of a lost record asks for what its operation says: %s', (operation, desired) => {
  const message = {
    ...lost,
    operation,
    service: operation === 'provision' ? 'main' : null,
    traceparent: '00-m',
  };
  expect(transitions.restoredFromMessage(message, context)).toMatchObject({
    desired: { ...desired, requestId },
    job: { generation: 9, due: now, traceparent: '00-m' },
    firstGeneration: 9,
    lastGeneration: 9,
    observed: { hub: 'unknown' },
  });
});

test.each([
  ['message', transitions.restoredFromMessage],
  ['dead letter', transitions.restoredFromDeadLetter],
])('a record that is made again from its %s has the thumbprints to retire and to revoke', (_, restored) => {
  const lists = { retire: [thumbprint, other], revoke: [other] };
  for (const operation of ['provision', 'deprovision'] as const)
    expect(restored({ ...lost, operation, ...lists }, context).desired).toMatchObject(lists);
  expect(restored(lost, context).desired).not.toHaveProperty('retire');
});

describe('the history', () => {
  test('shows hours of waiting as one line, with the last time', () => {
    let record: DeviceRecord = { ...base, job };
    for (let i = 0; i < 5; i += 1)
      record = transitions.postponed(record, { now: now + i }, now + i, 'reservation');
    expect(record.history).toEqual([{ at: now + 4, type: 'waited', note: 'waits for its turn at the hub' }]);
  });

  test('keeps the last 24 events', () => {
    let record: DeviceRecord = { ...base, job };
    for (let i = 0; i < 30; i += 1)
      record = transitions.postponed(record, { now: now + i }, now, i % 2 ? 'reservation' : 'dependency');
    expect(record.history).toHaveLength(24);
    expect(record.history.at(-1)?.at).toBe(now + 29);
  });
});
