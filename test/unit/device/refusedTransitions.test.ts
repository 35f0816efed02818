import type { DeviceRecord } from '../../../src/device/record.js';
import { fallbacksOf, refusedPart } from '../../../src/device/refusal.js';
import * as transitions from '../../../src/device/transitions.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, provisioned, thumbprint, uuid } from '../../support/records.js';
import {
  context,
  failure,
  findings,
  job,
  lease,
  messageOf,
  minutes,
  other,
  steps,
} from './transitionSamples.js';

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

  test('does not hide the failure of the request before, which was valid', () => {
    const later = { ...context, now: now + 1 };
    const third = transitions.requested(moved, later, { ...move, service: 'y' }, 'third');
    const back = transitions.refused(third, later, failure);
    const valid = { ...back, desired: { ...back.desired, validated: true } };
    const tired = { ...failure, error: new ProvisioningError('timed-out', 'Slow.', { step: 'validate' }) };
    const end = transitions.refused(valid, later, tired);
    expect(end).toMatchObject({
      desired: provisioned.desired,
      refusal: { desired: { service: 'x' }, job: { dead: {} }, error: { code: 'timed-out' } },
    });
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
