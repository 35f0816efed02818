import type { DeviceRecord } from '../../../src/device/record.js';
import * as transitions from '../../../src/device/transitions.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, provisioned, thumbprint, uuid } from '../../support/records.js';

const context = { now };
const error = new ProvisioningError('service-not-found', 'No such service.', { step: 'validate' });
const failure = { error, counted: false, steps: [] };
const move = { uuid, present: true, service: 'x' } as const;
const other = 'B'.repeat(64);
const refuse = (record: DeviceRecord) => transitions.refused(record, context, failure);
const replay = { due: now, by: 'me', action: 'a' };

describe('a refused request', () => {
  test('that was validated once is refused again if its replay is cancelled', () => {
    const moved = transitions.requested(provisioned, context, move, 'refused');
    const refused = refuse({ ...moved, desired: { ...moved.desired, validated: true } });
    const replayed = transitions.replayed(transitions.refusalReopened(refused)!, context, replay);
    expect(transitions.cancelled(replayed, context, 'me')).toMatchObject({
      desired: provisioned.desired,
      refusal: { job: { dead: { cancelled: true } } },
    });
  });

  test('leaves a device outside the served fleets without a job', () => {
    const outside = { since: now - 9, sightings: 2, isHandled: true };
    const observed = { ...provisioned.observed, hub: 'none' as const, outside };
    const validated = { ...provisioned.desired, validated: true };
    const handled = { ...provisioned, completedAt: now - 9, observed, desired: validated };
    const refused = refuse(transitions.requested(handled, context, move, 'refused'));
    expect(refused).toMatchObject({ desired: validated, job: null, check: { due: now } });
  });

  test('whose runs never saw the device is followed by a check of its scope, and by no job', () => {
    const desired = { ...provisioned.desired, validated: true };
    const validated = { ...provisioned, completedAt: now - 9, desired };
    const moved = transitions.requested(validated, context, move, 'refused');
    const running = transitions.leased(moved, context, {
      by: 'me',
      until: now + 60_000,
      lateUntil: now + 120_000,
    });
    const unseen = new ProvisioningError('device-not-visible', 'Not visible.', { step: 'validate' });
    const refused = transitions.refused({ ...running, lease: null }, context, { ...failure, error: unseen });
    expect(refused).toMatchObject({ job: null, check: { due: now }, scopes: ['main', 'x'] });
  });

  test('keeps a revocation that arrived meanwhile, also if the earlier rotation is cancelled', () => {
    const rotation = { ...move, service: 'main', retire: thumbprint, action: 'bulk' };
    const rotating = transitions.requested(
      { ...provisioned, desired: { ...provisioned.desired, validated: true } },
      context,
      rotation,
      'rotation',
    );
    const moved = transitions.requested(rotating, context, move, 'refused');
    const revoking = transitions.requested(
      moved,
      context,
      { ...move, retire: thumbprint, revoke: true },
      'revocation',
    );
    const refused = refuse(revoking);
    expect(refused.desired).toMatchObject({ service: 'main', revoke: [thumbprint] });
    expect(refused.action).toBeNull();
    expect(refuse(moved).action).toMatchObject({ id: 'bulk' });
  });
});

describe('a cancelled bulk action', () => {
  test('leaves a device whose replay was done before a late run ended', () => {
    const replayed = transitions.replayed(
      { ...provisioned, job: { generation: 1, due: now, dead: { at: now } } },
      context,
      replay,
    );
    const done = transitions.completed(replayed, context, []);
    const compared = transitions.leaseLost(done, context, ['main'], null);
    expect(compared.job).not.toBeNull();
    expect(transitions.cancelled(compared, context, 'me')).toBeNull();
  });
});

describe('a check', () => {
  const sighted = { ...provisioned, check: { generation: 2, due: now, notice: 'outside' as const } };
  const lease = { by: 'me', until: now + 60_000, lateUntil: now + 120_000 };

  test('that an event repeats during its run counts the sighting of the sweep once', () => {
    const running = transitions.leased(sighted, context, lease);
    expect(transitions.checkRequested(running, context)).toMatchObject({ check: { again: true } });
    expect(transitions.checkRequested(running, context)!.check!.notice).toBeUndefined();
    const noticed = transitions.checkRequested(running, context, { notice: 'outside' });
    expect(noticed!.check).toMatchObject({ again: true, notice: 'outside' });
    const deleted = { ...running, check: { ...running.check!, notice: 'fleet-deleted' as const } };
    expect(transitions.checkRequested(deleted, context)!.check!.notice).toBe('fleet-deleted');
  });

  test('whose time comes during the run of a change follows the change, and asks the hub', () => {
    const check = { generation: 2, due: now + 5, forceVerify: true };
    const changing = transitions.requested(
      { ...provisioned, check },
      context,
      { ...move, retire: other },
      'r',
    );
    const running = transitions.leased(changing, context, lease);
    const later = { now: now + 10 };
    expect(transitions.completed({ ...running, lease: null }, later, []).check).toMatchObject({
      forceVerify: true,
      due: now + 10,
    });
  });
});
