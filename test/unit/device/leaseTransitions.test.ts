import type { Check } from '../../../src/device/record.js';
import * as transitions from '../../../src/device/transitions.js';
import { now, provisioned, thumbprint, uuid } from '../../support/records.js';
import {
  base,
  context,
  error,
  failure,
  findings,
  job,
  laterCheck,
  lease,
  lost,
  minutes,
  place,
  samples,
  steps,
} from './transitionSamples.js';

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
