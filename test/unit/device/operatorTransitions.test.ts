import type { DeviceRecord } from '../../../src/device/record.js';
import { requestPartOf } from '../../../src/device/refusal.js';
import * as transitions from '../../../src/device/transitions.js';
import { now, provisioned } from '../../support/records.js';
import { base, context, job, lease, lost, messageOf, samples } from './transitionSamples.js';

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

  test('can resend the newest dead letters of a job, each of them known once', () => {
    const letter = (due: number) => ({ ...messageOf(dead!), due, enqueuedAt: due + 1 });
    const first = transitions.deadLettered(dead!, letter(1))!;
    expect(first.job?.dead).toEqual({ at: now - 1, deadLetters: [{ due: 1, activeAt: 2 }] });
    expect(transitions.deadLettered(first, { ...letter(1), enqueuedAt: 9 })).toBeNull();
    const all = Array.from({ length: 9 }, (_, due) => letter(due));
    const last = all.reduce((record, each) => transitions.deadLettered(record, each)!, dead!);
    expect(last.job?.dead?.deadLetters?.map(({ due }) => due)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('cannot resend the message of a job that was cancelled, or of a device that balena never had', () => {
    const letter = { ...messageOf(dead!), due: 1, enqueuedAt: 1 };
    for (const end of [
      { cancelled: true },
      { unknown: true as const },
      { discarded: { at: 1, by: 'me', reason: 'x' } },
    ])
      expect(
        transitions.deadLettered({ ...dead!, job: { ...job, dead: { at: 1, ...end } } }, letter),
      ).toBeNull();
  });

  test('can resend the dead letter of a refused request', () => {
    const desired = { ...provisioned.desired, service: 'x', requestId: 'refused' };
    const refusal = requestPartOf({ ...dead!, desired });
    const message = { requestId: 'refused', generation: dead!.job!.generation, due: 1, enqueuedAt: 2 };
    const next = transitions.deadLettered({ ...provisioned, refusal }, message);
    expect(next?.refusal?.job?.dead).toMatchObject({ deadLetters: [{ due: 1, activeAt: 2 }] });
    expect(next?.job).toBeNull();
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
