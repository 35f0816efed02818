import type { Check, DeviceRecord, Job } from '../../../src/device/record.js';
import { fallbacksOf, refusedPart, requestPartOf } from '../../../src/device/refusal.js';
import { isCheckNext, isDeadByOperator } from '../../../src/device/state.js';
import * as transitions from '../../../src/device/transitions.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { readTransitionTable } from '../../support/readTransitionTable.js';
import { now, provisioned, recordWith, requestId, thumbprint, uuid } from '../../support/records.js';
import { type JobState, jobStateOf, jobStates } from './jobState.js';

const minutes = 60_000;
const error = new ProvisioningError('service-not-found', 'No such service.', { step: 'validate' });
const steps = [{ step: 'validate', ms: 5, code: null }] as const;
const context = { now, traceparent: '00-caller' };
const other = 'B'.repeat(64);

const job: Job = { generation: 7, due: now - 1_000, traceparent: '00-first' };
const lease = { by: 'worker', until: now + minutes, generation: 0, lateUntil: now + 2 * minutes };
/** A check after a pending or a dead job. */
const laterCheck = { generation: 8, due: now };
const place = (turn: number) => ({ lane: 'org/one', turn });
const base = recordWith({ lastGeneration: 7, firstGeneration: 5, attempts: 2, retries: 3, replays: 1 });

/** One record in each state of docs/protocol.md, and variants for single transitions. */
const samples: Record<JobState, DeviceRecord[]> = {
  idle: [
    { ...provisioned, lastGeneration: 7 },
    { ...base, error: { code: 'timed-out', step: null, message: 'No answer.', at: now - 1 } },
  ],
  pending: [
    { ...base, job },
    { ...base, check: { ...job, forceVerify: true, reservation: place(3), unsent: true } },
    { ...provisioned, check: { ...job }, lastGeneration: 7 },
    { ...base, job, check: laterCheck },
    { ...base, job, late: { until: now + minutes, scopes: ['relay'] } },
    { ...base, job: { ...job, dead: { at: now - 1 } }, check: laterCheck, lastGeneration: 8 },
    {
      ...base,
      job: { ...job, dead: { at: now - 1, cancelled: true } },
      check: laterCheck,
      lastGeneration: 8,
    },
    {
      ...provisioned,
      job,
      lastGeneration: 7,
      desired: { ...provisioned.desired, retire: [thumbprint] },
      action: { id: 'rotation', error: null, previous: {} },
    },
  ],
  working: [
    { ...base, job, lease },
    { ...base, check: { ...job }, lease },
    { ...base, job: { ...job, dead: { at: now - 1 } }, check: laterCheck, lease, lastGeneration: 8 },
  ],
  abandoned: [
    { ...base, job, lease: { by: 'worker', until: now, generation: 0, lateUntil: now } },
    { ...base, check: { ...job }, lease: { by: 'worker', until: now, generation: 0, lateUntil: now } },
    { ...base, job, lease: { ...lease, unresolved: true } },
  ],
  dead: [
    { ...base, job: { ...job, dead: { at: now - 1 } }, failures: 1 },
    { ...base, job: { ...job, dead: { at: now - 1, cancelled: true } } },
    { ...base, job: { ...job, dead: { at: now - 1 } }, lease },
  ],
  discarded: [
    { ...base, job: { ...job, dead: { at: now - 2, discarded: { at: now - 1, by: 'me', reason: 'x' } } } },
  ],
};

const findings = {
  observed: { ...provisioned.observed, fleet: 'org/fleet' },
  clearedScopes: new Set(['relay']),
  outcomeUnknown: false,
  desired: provisioned.desired,
  validated: false,
};
const failure = { error, counted: true, steps };
const lost = { uuid, requestId, generation: 9, operation: 'provision', service: 'main' } as const;

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
  discarded: (record) =>
    transitions.discarded(record, context, { by: 'me', reason: 'no need' }, messageOf(record)),
};

/** These functions check the state themselves. */
const refusing = new Set(['checkRequested', 'publishFailed', 'cancelled', 'rotationCancelled', 'discarded']);

function messageOf({ desired, job: its }: DeviceRecord) {
  return { requestId: desired.requestId, generation: its?.generation ?? null };
}

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

describe('a lease', () => {
  test('records the desired scope before the worker can write there', () => {
    const record = { ...base, job, scopes: ['relay'] };
    const until = now + minutes;
    const next = transitions.leased(record, context, { by: 'me', until, lateUntil: until });
    expect(next).toMatchObject({ lease: { by: 'me', until }, scopes: ['relay', 'main'], attempts: 2 });
    const absent = { ...record, desired: { ...record.desired, present: false, service: null } };
    expect(transitions.leased(absent, context, { by: 'me', until, lateUntil: until }).scopes).toEqual([
      'relay',
    ]);
  });

  test('counts nothing that the record says about another hub', () => {
    const observed = { ...provisioned.observed, hubEtag: 'e1', hubSeenAt: 5, hubHost: 'our-hub' };
    const record = { ...provisioned, observed, job };
    const lease = (hubHost: string | null) =>
      transitions.leased(record, context, {
        by: 'me',
        until: now + minutes,
        lateUntil: now + minutes,
        hubHost,
      }).observed;
    expect(lease('our-hub')).toEqual(observed);
    expect(lease(null)).toEqual(observed);
    expect(lease('new-hub')).toEqual({ ...provisioned.observed, hub: 'unknown', hubHost: 'new-hub' });
    // A record without a name is about our hub.
    const unnamed = { ...provisioned, job };
    const next = transitions.leased(unnamed, context, {
      by: 'me',
      until: now + minutes,
      lateUntil: now + minutes,
      hubHost: 'our-hub',
    });
    expect(next.observed).toEqual({ ...provisioned.observed, hubHost: 'our-hub' });
  });

  test('that has run out leaves the state of the hub unknown, and counts as an attempt', () => {
    const record = {
      ...provisioned,
      job,
      lease: { by: 'worker', until: now, generation: 0, lateUntil: now },
      attempts: 1,
    };
    const next = transitions.leaseExpired(record, context);
    expect(next).toMatchObject({ observed: { hub: 'unknown', thumbprint }, attempts: 2 });
    expect(next.history.at(-1)).toMatchObject({ type: 'died' });
  });

  test('that was left to run out does not count as an attempt, and keeps what its run found', () => {
    const record = {
      ...provisioned,
      job,
      lease: { by: 'worker', until: now, generation: 0, lateUntil: now, unresolved: true },
      attempts: 1,
    };
    expect(transitions.leaseExpired(record, context)).toEqual(record);
  });

  test('ends with the run, and the record takes over the findings', () => {
    const record = { ...base, job, lease, scopes: ['main', 'relay'] };
    expect(transitions.leaseReleased(record, findings)).toMatchObject({
      lease: null,
      observed: findings.observed,
      scopes: ['main'],
    });
  });

  test('runs out by itself if a write may still take effect', () => {
    const record = { ...base, job, lease };
    const next = transitions.leaseReleased(record, { ...findings, outcomeUnknown: true });
    expect(next.lease).toEqual({ ...lease, until: lease.lateUntil, unresolved: true });
    // No run may start earlier.
    expect(transitions.retried(next, context, failure, now + 5, true).job?.due).toBe(lease.lateUntil);
    expect(transitions.suspended(next, context, now + 5, place(9), steps).job?.due).toBe(lease.lateUntil);
  });

  test('is renewed by its run, and is interrupted when the message of the run comes back', () => {
    const interrupted = transitions.leaseInterrupted({ ...base, job, lease });
    expect(interrupted?.lease).toEqual({ ...lease, interrupted: true });
    expect(transitions.leaseInterrupted(interrupted!)).toBeNull();
    expect(transitions.leaseRenewed(interrupted!, now + 7).lease).toEqual({ ...lease, until: now + 7 });
  });

  test('of a dead worker leaves late writes: what the next run finds is checked again afterwards', () => {
    const dead = {
      ...provisioned,
      job,
      lease: { ...lease, until: now },
      scopes: ['main', 'relay'],
      lastGeneration: 7,
    };
    const late = { until: lease.lateUntil, scopes: ['main', 'relay'] };
    const next = transitions.leased(dead, context, {
      by: 'me',
      until: now + minutes,
      lateUntil: now + 3 * minutes,
    });
    expect(next).toMatchObject({ late, attempts: 1, lease: { by: 'me' } });

    const done = transitions.completed(
      { ...transitions.leaseReleased(next, findings), scopes: ['main'] },
      context,
      steps,
    );
    expect(done).toMatchObject({
      late,
      scopes: ['main'],
      job: null,
      check: { due: late.until, notBefore: late.until, forceVerify: true, generation: 8 },
    });

    const afterwards = { ...context, now: late.until };
    const compared = transitions.leased(done, afterwards, { by: 'me', until: now, lateUntil: now });
    expect(compared).toMatchObject({ late: null, observed: { hub: 'unknown' }, scopes: ['main', 'relay'] });
    expect(transitions.completed(compared, afterwards, steps, true).check).toBeNull();
  });

  test('of a dead worker leaves late writes: the end of a failed run is no end, either', () => {
    const late = { until: now + minutes, scopes: ['main'] };
    const checkAfter = { due: late.until, forceVerify: true };
    expect(transitions.failed({ ...base, job, late }, context, failure).check).toMatchObject(checkAfter);
    const cancelled = { ...job, dead: { at: now - 1, cancelled: true } };
    const looking = { ...base, job: cancelled, check: laterCheck, late };
    expect(transitions.looked(looking, context, steps).check).toMatchObject(checkAfter);
  });

  test('of a dead worker leaves late writes: a check that waits for a later time comes earlier, and no check is lost', () => {
    const late = { until: now + minutes, scopes: ['main'] };
    const done = (check: Check) => transitions.completed({ ...base, job, late, check }, context, steps).check;
    const planned = {
      generation: 6,
      due: now + 60 * minutes,
      notBefore: now + 60 * minutes,
      notice: 'outside',
    } as const;
    expect(done(planned)).toMatchObject({ due: late.until, forceVerify: true, notice: 'outside' });
    expect(done({ generation: 6, due: now + 5 })).toMatchObject({ due: now + 5, forceVerify: true });
  });

  test('that has run out does not show that its run has ended: a check follows the run', () => {
    const expired = { ...provisioned, job, lease: { ...lease, until: now - 1 } };
    expect(transitions.checkRequested(expired, context)?.check).toMatchObject({ again: true });
  });

  test('that was lost makes the device be compared once more, and a dead job stays dead', () => {
    const taken = {
      ...provisioned,
      job,
      lease: { by: 'another', until: now + 1, generation: 0, lateUntil: now + 1 },
      lastGeneration: 7,
    };
    expect(transitions.leaseLost(taken, context, [], null)).toMatchObject({
      observed: { hub: 'unknown' },
      job: { generation: 8, due: now },
      lease: taken.lease,
    });
    const [dead] = samples.dead;
    expect(transitions.leaseLost(dead!, context, [], null).job).toEqual(dead!.job);
  });

  test('that was lost with a write that may still take effect makes the device be compared after that write, too', () => {
    const taken = { ...provisioned, job, lease: { ...lease, by: 'another' }, lastGeneration: 7 };
    expect(transitions.leaseLost(taken, context, ['relay'], now + minutes)).toMatchObject({
      late: { until: now + minutes, scopes: ['main', 'relay'] },
      job: { generation: 8, due: now },
    });
  });

  test('keeps the demand to ask the hub when the job is put off or tried again', () => {
    const record = { ...provisioned, job: { ...job, forceVerify: true } };
    expect(transitions.postponed(record, context, now + 5, 'dependency').job?.forceVerify).toBe(true);
    expect(transitions.retried(record, context, failure, now + 5, true).job?.forceVerify).toBe(true);
  });

  test('whose record is made from an old dead letter has a generation above the Unix time in seconds', () => {
    expect(
      transitions.restoredFromDeadLetter({ ...lost, generation: 7 }, context).lastGeneration,
    ).toBeGreaterThanOrEqual(now / 1_000);
  });

  test('that was lost adds the scopes of the run: its last write may have come after the other run cleared them', () => {
    const taken = {
      ...provisioned,
      lease: { by: 'other', until: now + 5, generation: 0, lateUntil: now + 5 },
      scopes: ['b'],
    };
    expect(transitions.leaseLost(taken, context, ['b', 'main'], null).scopes).toEqual(['b', 'main']);
  });
});

describe('the end of a run', () => {
  test('that succeeded leaves no job, and nothing of earlier failures', () => {
    const [, cancelled] = samples.dead;
    for (const record of [{ ...base, job, failures: 2, coolDownUntil: now + 1 }, cancelled!]) {
      expect(transitions.completed(record, context, steps)).toMatchObject({
        job: null,
        attempts: 0,
        retries: 0,
        failures: 0,
        replays: 0,
        error: null,
        coolDownUntil: 0,
        completedAt: now,
        observed: { verifiedAt: now },
      });
    }
    const earlier = { ...base, check: { ...job }, completedAt: 5 };
    expect(transitions.completed(earlier, context, steps, true).completedAt).toBe(5);
  });

  test('that needs a later registry operation keeps the reservation and the trace', () => {
    expect(transitions.suspended({ ...base, job }, context, now + 5, place(9), steps).job).toEqual({
      generation: 8,

      due: now + 5,
      reservation: place(9),
      traceparent: '00-first',
    });
    expect(transitions.suspended({ ...base, job }, context, now - 5, place(9), steps).job?.due).toBe(now);
  });

  test('keeps its place in the line behind a circuit, and for a request that is known to be valid', () => {
    const waiting = { ...base, job: { ...job, reservation: place(3) } };
    expect(transitions.postponed(waiting, context, now, 'dependency').job?.reservation).toEqual(place(3));
    const again = {
      uuid,
      present: true as const,
      service: base.desired.service ?? '',
      retire: 'B'.repeat(64),
    };
    const valid = { ...waiting, desired: { ...base.desired, validated: true } };
    expect(transitions.requested(valid, context, again, 'new').job?.reservation).toEqual(place(3));
    for (const request of [
      { ...again, service: 'another' },
      { uuid, present: false as const },
    ])
      expect(transitions.requested(valid, context, request, 'new').job?.reservation).toBeUndefined();
    // A revocation goes first.
    const leaked = { ...valid, observed: { ...valid.observed, thumbprint: 'B'.repeat(64) } };
    const revocation = transitions.requested(leaked, context, { ...again, revoke: true }, 'new');
    expect(revocation.job?.reservation).toBeUndefined();
  });

  test('that failed counts what is to be counted, and keeps its place in the line', () => {
    const record = { ...base, job: { ...job, reservation: place(3), unsent: true } };
    const next = transitions.retried(record, context, failure, now + 5.4, true);
    expect(next).toMatchObject({ attempts: 3, retries: 4, error: { code: 'service-not-found', at: now } });
    expect(next.job).toEqual({
      generation: 8,
      due: now + 5,
      reservation: place(3),
      traceparent: '00-first',
    });
    const moved = transitions.retried(record, context, failure, now, true, place(4));
    expect(moved.job?.reservation).toEqual(place(4));
    const uncounted = transitions.retried(record, context, { ...failure, counted: false }, now, false);
    expect(uncounted).toMatchObject({ attempts: 2, retries: 3 });
  });

  test.each([
    [0, 10],
    [1, 20],
    [2, 40],
    [5, 320],
    [6, 360],
    [60, 360],
  ])(
    'that failed for good, after %i earlier failures, starts a cool-down of %i minutes',
    (failures, expected) => {
      const next = transitions.failed({ ...base, job, failures }, context, failure);
      expect(next).toMatchObject({
        job: { ...job, dead: { at: now } },
        error: { code: 'service-not-found', step: 'validate', message: 'No such service.', at: now },
        failures: failures + 1,
        attempts: 3,
      });
      expect(next.coolDownUntil - now).toBe(expected * minutes);
    },
  );

  test('of a check that failed for good leaves no job and no attempts', () => {
    const record = { ...base, check: { ...job }, failures: 0 };
    expect(transitions.failed(record, context, failure)).toMatchObject({
      job: null,
      attempts: 0,
      retries: 0,
      failures: 0,
      error: { code: 'service-not-found' },
    });
  });

  test('whose worker died too often leaves no lease', () => {
    const [expired] = samples.abandoned;
    expect(transitions.workerDied(expired!, context, error)).toMatchObject({
      lease: null,
      attempts: 3,
      job: { dead: { at: now } },
      observed: { hub: 'unknown' },
    });
  });
});

describe('a request that is refused', () => {
  const move = { uuid, present: true, service: 'x' } as const;
  const refuse = (record: DeviceRecord) => transitions.refused(record, context, failure);
  const rotation = { ...provisioned.desired, requestId: 'rotation', retire: [thumbprint] };
  const moved = transitions.requested({ ...provisioned, lastGeneration: 7 }, context, move, 'refused');

  test('leaves the device as it was: provisioned, with a check for the hints that joined the refused job', () => {
    const { job: its, desired } = moved;
    const next = refuse(moved);
    expect(next).toMatchObject({
      desired: provisioned.desired,
      job: null,
      check: { generation: its!.generation + 1, due: now },
      attempts: 0,
      error: null,
      coolDownUntil: 0,
      failures: 0,
      fallback: null,
      refusal: {
        desired,
        job: { ...its, dead: { at: now } },
        error: { code: 'service-not-found' },
        failures: 1,
      },
    });
    expect(refusedPart(next)).toMatchObject({ coolDownUntil: now + 10 * minutes, desired: { service: 'x' } });
  });

  test('does not end a deprovisioning, a rotation, or a move that was not done', () => {
    const absent = transitions.requested(provisioned, context, { uuid, present: false }, 'absent');
    const rotating = { ...provisioned, desired: { ...rotation, validated: true }, job };
    const moving = { ...provisioned, desired: { ...rotation, service: 'relay', validated: true }, job };
    for (const record of [absent, rotating, moving]) {
      const next = refuse(transitions.requested(record, context, move, 'refused'));
      expect(next).toMatchObject({ desired: record.desired, job: {}, completedAt: null });
    }
  });

  test('does not end a rotation that was requested after it', () => {
    const request = { ...move, retire: thumbprint, revoke: true };
    const next = refuse(transitions.requested(moved, context, request, 'rotation'));
    const retirement = { retire: [thumbprint], revoke: [thumbprint] };
    expect(next.desired).toEqual({ ...provisioned.desired, validated: true, ...retirement });
    expect(next.job).not.toBeNull();
  });

  test('keeps the demand to ask the hub, and waits for an unresolved lease', () => {
    const unresolved = {
      ...moved,
      job: { ...moved.job!, forceVerify: true },
      lease: { ...lease, unresolved: true },
    };
    expect(refuse(unresolved).job).toMatchObject({ forceVerify: true, due: lease.until });
  });

  test('returns to requests that wait for their validation, one after the other', () => {
    const third = transitions.requested(moved, context, { ...move, service: 'y' }, 'third');
    const second = refuse(third);
    expect(second).toMatchObject({
      desired: { service: 'x' },
      job: {},
      refusal: { desired: { service: 'y' } },
    });
    expect(refuse(second)).toMatchObject({ desired: provisioned.desired, fallback: null });
    const absent = transitions.requested(provisioned, context, { uuid, present: false }, 'absent');
    const after = transitions.requested(
      transitions.requested(absent, context, move, 'second'),
      context,
      { ...move, service: 'y' },
      'third',
    );
    expect(fallbacksOf(after).map(({ desired }) => desired.service)).toEqual(['x', null]);
  });

  test('returns to no request that a later request for the same place has superseded', () => {
    const third = transitions.requested(moved, context, { ...move, service: 'y' }, 'third');
    const again = transitions.requested(third, context, move, 'again');
    expect(fallbacksOf(again).map(({ desired }) => desired.service)).toEqual(['y', 'main']);
    const home = transitions.requested(third, context, { ...move, service: 'main' }, 'home');
    expect(home.fallback).toBeNull();
  });

  test('returns to no request from before one that a run has validated', () => {
    const first = transitions.requested(null, context, { ...move, service: 'main' }, 'first');
    const second = transitions.requested(first, context, move, 'second');
    const third = transitions.requested(second, context, { ...move, service: 'y' }, 'third');
    const ended = { ...findings, validated: true, desired: second.desired };
    const after = fallbacksOf(transitions.leaseReleased(third, ended));
    expect(after.map(({ desired }) => [desired.service, desired.validated])).toEqual([['x', true]]);
    const validated = transitions.leaseReleased(second, ended);
    expect(validated).toMatchObject({ desired: { validated: true }, fallback: null });
  });

  test('keeps the newest requests that wait for their validation, and the validated one', () => {
    let record: DeviceRecord = moved;
    for (const service of ['a', 'b', 'c', 'd'])
      record = transitions.requested(record, context, { ...move, service }, service);
    expect(fallbacksOf(record).map(({ desired }) => desired.service)).toEqual(['c', 'b', 'a', 'main']);
  });

  test('does not return to a request without validation after a failure of another kind', () => {
    const third = transitions.requested(moved, context, { ...move, service: 'y' }, 'third');
    const tired = { ...failure, error: new ProvisioningError('balena-unavailable', 'Down.') };
    const next = transitions.refused(third, context, tired);
    expect(next).toMatchObject({ desired: provisioned.desired, refusal: { desired: { service: 'y' } } });
  });

  test('is the failed request if the requests before are not valid either', () => {
    const first = transitions.requested(null, context, { ...move, service: 'main' }, 'first');
    const later = { ...context, now: now + 1 };
    const second = transitions.requested(first, later, move, 'second');
    const back = transitions.refused(second, later, failure);
    expect(back).toMatchObject({ desired: { requestId: 'first' }, job: {}, fallback: null });
    const end = transitions.failed(back, later, failure);
    expect(end).toMatchObject({ desired: { requestId: 'second' }, job: { dead: {} }, refusal: null });
    expect(transitions.completed(back, later, steps).desired.requestId).toBe('first');
    const valid = { ...back, desired: { ...back.desired, validated: true } };
    expect(transitions.failed(valid, later, failure).desired.requestId).toBe('first');
  });

  test('stays the refused request while the request before is refused, too', () => {
    const later = { ...context, now: now + 1 };
    const third = transitions.requested(moved, later, { ...move, service: 'y' }, 'third');
    const end = transitions.refused(transitions.refused(third, later, failure), later, failure);
    expect(end).toMatchObject({ desired: provisioned.desired, refusal: { desired: { service: 'y' } } });
  });

  test('has nothing to return to if it is the first, follows a finished deprovisioning, or repeats a request that failed', () => {
    const first = transitions.requested(null, context, move, 'first');
    expect(first.fallback).toBeNull();
    const absent = transitions.requested(null, context, { uuid, present: false }, 'absent');
    const observed = { ...absent.observed, hub: 'none' as const };
    const done = { ...absent, job: null, observed };
    expect(transitions.requested(done, context, move, 'second').fallback).toBeNull();
    const dead = transitions.failed(first, context, failure);
    expect(transitions.requested(dead, context, { ...move, service: 'y' }, 'second').fallback).toBeNull();
  });

  test('ends with a request for something else, not with a rotation, and keeps its cool-down growing', () => {
    const next = refuse(moved);
    const rotated = transitions.requested(next, context, { ...move, service: 'main', retire: other }, 'r');
    expect(refusedPart(rotated)).not.toBeNull();
    for (const request of [
      { uuid, present: false },
      { ...move, service: 'relay' },
    ] as const)
      expect(transitions.requested(next, context, request, 'r').refusal).toBeNull();
    const again = transitions.requested(next, context, move, 'again');
    expect(refusedPart(again)).toBeNull();
    expect(refusedPart(refuse(again))?.coolDownUntil).toBe(now + 20 * minutes);
    expect(transitions.completed(again, context, steps).refusal).toBeNull();
  });

  test('is replayed in the place of the present request, which comes back if the replay is cancelled', () => {
    const next = refuse(moved);
    const reopened = transitions.refusalReopened(next)!;
    const replayed = transitions.replayed(reopened, context, { due: now + 5, by: 'me', action: 'a' });
    expect(replayed).toMatchObject({
      desired: { service: 'x', requestId: 'refused' },
      job: { generation: next.lastGeneration + 1 },
      replays: 1,
      action: { id: 'a', error: { code: 'service-not-found' } },
    });
    expect(refusedPart(replayed)).toBeNull();
    const cancelled = transitions.cancelled(replayed, context, 'me');
    expect(cancelled).toMatchObject({
      desired: provisioned.desired,
      job: null,
      check: {},
      action: null,
      refusal: {
        job: { dead: { cancelled: true } },
        error: { code: 'service-not-found' },
        action: { id: 'a' },
      },
    });
  });

  test('is discarded for itself', () => {
    const next = refuse(moved);
    const discarded = transitions.discarded(next, context, { by: 'me', reason: 'x' }, messageOf(moved));
    expect(discarded).toMatchObject({
      job: next.job,
      refusal: { job: { dead: { discarded: { by: 'me' } } } },
    });
    expect(transitions.refusalReopened(discarded!)).toBeNull();
  });

  test('returns to a state that was validated by a run while the request arrived', () => {
    const first = transitions.requested(null, context, { ...move, service: 'main' }, 'first');
    const second = transitions.requested(first, context, move, 'second');
    const ended = { ...findings, validated: true, desired: first.desired };
    expect(refuse(transitions.leaseReleased(second, ended)).desired).toEqual({
      ...first.desired,
      validated: true,
    });
    const absent = transitions.requested(first, context, { uuid, present: false }, 'absent');
    for (const record of [absent, transitions.requested(absent, context, move, 'third')])
      expect(transitions.leaseReleased(record, ended).fallback).toEqual(record.fallback);
  });

  test('is not refused once it is validated, and the time of a move that succeeded counts', () => {
    const validated = transitions.leaseReleased(moved, {
      ...findings,
      validated: true,
      desired: moved.desired,
    });
    expect(validated.desired.validated).toBe(true);
    expect(transitions.completed(validated, context, steps)).toMatchObject({
      desired: { service: 'x', movedAt: now },
      fallback: null,
    });
    const later = transitions.requested(moved, context, { uuid, present: false }, 'absent');
    const late = transitions.leaseReleased(later, { ...findings, validated: true, desired: moved.desired });
    expect(late.desired.validated).toBeUndefined();
  });

  test('whose worker died leaves the device as it was', () => {
    const expired = { ...moved, lease: { by: 'worker', until: now, generation: 0, lateUntil: now } };
    const died = new ProvisioningError('worker-died', 'Dead.');
    expect(transitions.workerDied(expired, context, died)).toMatchObject({
      desired: provisioned.desired,
      job: {},
      lease: null,
      refusal: { error: { code: 'worker-died' } },
    });
  });
});

describe('an operator', () => {
  const [dead] = samples.dead;

  test('replays a dead job: the counters start again, and the replay is counted', () => {
    const failed = { ...dead!, error: { code: 'timed-out', step: null, message: 'x', at: 1 } as const };
    expect(transitions.replayed(failed, context, { due: now + 5, by: 'me', action: 'a' })).toMatchObject({
      job: { generation: 8, due: now + 5, traceparent: '00-first' },
      attempts: 0,
      retries: 0,
      error: null,
      replays: 2,
      completedAt: null,
      action: { id: 'a', error: failed.error },
    });
    const resent = transitions.replayed({ ...failed, completedAt: 3 }, context, {
      due: now,
      by: 'me',
      action: null,
    });
    expect(resent).toMatchObject({ action: null, completedAt: 3 });
  });

  test('replays a dead letter without a record, under a generation above the dead letter', () => {
    const high = { ...lost, generation: 10 ** 12 };
    const restored = transitions.restoredFromDeadLetter(high, context);
    expect(restored).toMatchObject({ job: null, lastGeneration: 10 ** 12, firstGeneration: 10 ** 12 + 1 });
    expect(transitions.replayed(restored, context, { due: now, by: 'me', action: 'a' }).job?.generation).toBe(
      10 ** 12 + 1,
    );
  });

  test('cancels a replay: the job is dead again, with the error from before', () => {
    const replay = {
      ...base,
      job,
      action: { id: 'a', error: { code: 'timed-out', step: null, message: 'x', at: 1 } as const },
    };
    expect(transitions.cancelled(replay, context, 'me')).toMatchObject({
      job: { generation: 7, dead: { at: now, cancelled: true } },
      error: { code: 'timed-out' },
    });
    expect(transitions.cancelled({ ...base, job }, context, 'me')?.error).toMatchObject({
      code: 'cancelled',
    });
    expect(transitions.cancelled({ ...base, check: { ...job } }, context, 'me')).toBeNull();
    expect(transitions.cancelled(dead!, context, 'me')).toBeNull();
  });

  const rotation = samples.pending.find(({ action }) => action?.id === 'rotation')!;

  test('cancels a rotation that no worker has begun', () => {
    const next = transitions.rotationCancelled(rotation, context, 'me');
    expect(next).toMatchObject({ job: null, desired: provisioned.desired });
    expect(next?.desired.retire).toBeUndefined();
  });

  test.each<[string, Partial<DeviceRecord>]>([
    ['is being worked on', { lease }],
    ['has failed once', { attempts: 1 }],
    ['has been retried', { retries: 1 }],
    [
      'would leave the device in another state than desired',
      { observed: { ...provisioned.observed, hub: 'unknown' } },
    ],
  ])('does not cancel a rotation that %s', (_, more) => {
    expect(transitions.rotationCancelled({ ...rotation, ...more }, context, 'me')).toBeNull();
  });

  test('discards a dead job once', () => {
    const next = transitions.discarded(dead!, context, { by: 'me', reason: 'no need' }, messageOf(dead!));
    expect(next?.job?.dead).toEqual({ at: now - 1, discarded: { at: now, by: 'me', reason: 'no need' } });
    expect(
      transitions.discarded(next!, context, { by: 'you', reason: 'again' }, messageOf(next!)),
    ).toBeNull();
    const pending = { ...base, job };
    expect(transitions.discarded(pending, context, { by: 'me', reason: 'x' }, messageOf(pending))).toBeNull();
  });
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
