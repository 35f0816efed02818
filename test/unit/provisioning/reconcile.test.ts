import { reconcile } from '../../../src/provisioning/reconcile.js';
import {
  day,
  deviceWith,
  type FakeOptions,
  fakeWork,
  mintFor,
  now,
  scopedVariablesOf,
  scopedVariablesWith,
} from '../../support/stepFakes.js';

const held = await mintFor();
const { thumbprint } = held;

const gone = { code: 'device-not-found' };

describe('a device that balena does not show', () => {
  test('loses its identity, if it was seen before', async () => {
    const { work, calls } = fakeWork({ observed: { fleet: 'my_org/one' }, hub: [thumbprint, thumbprint] });
    await expect(reconcile(work)).rejects.toMatchObject(gone);
    expect(calls).toEqual(['hub remove']);
  });

  test('keeps the identity that it may have, if it was never seen: who may ask for devices must not remove any', async () => {
    const { work, calls } = fakeWork({ hub: [thumbprint, thumbprint] });
    await expect(reconcile(work)).rejects.toMatchObject(gone);
    expect(calls).toEqual([]);
  });

  test('keeps its identity, if our key does not see its fleet any more, and an operator has to decide', async () => {
    const { work, calls } = fakeWork({ observed: { fleet: 'my_org/one' }, unseen: true });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'fleet-not-visible' });
    expect(calls).toEqual([]);
  });

  test('loses its identity after an operator has confirmed that the fleet was deleted', async () => {
    const { work, calls } = fakeWork({
      observed: { fleet: 'my_org/one' },
      unseen: true,
      notice: 'fleet-deleted',
    });
    await expect(reconcile(work)).rejects.toMatchObject(gone);
    expect(calls).toEqual(['hub remove']);
  });

  test('loses its identity at once where that was asked for, and is tried again until its fleet is to be seen, or it is given up', async () => {
    const { work, calls } = fakeWork({
      desired: { present: false, service: null },
      observed: { fleet: 'my_org/one' },
      unseen: true,
    });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'device-not-visible' });
    expect(calls).toEqual(['hub remove']);
  });
});

describe('a check of a request that an operator has cancelled or discarded', () => {
  test('changes nothing at a device that balena has', async () => {
    const device = deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesWith(2, held) });
    const { work, calls, minted } = fakeWork({ device, looksOnly: true });
    await reconcile(work);
    expect([calls, minted()]).toEqual([[], 0]);
  });

  test.each([
    ['present', {}, gone],
    ['absent', { present: false, service: null }, null],
  ])('removes the identity of a deleted device that was to be %s', async (_, desired, error) => {
    const observed = { fleet: 'my_org/one' };
    const { work, calls } = fakeWork({ desired, observed, looksOnly: true, hub: [thumbprint, thumbprint] });
    if (error) await expect(reconcile(work)).rejects.toMatchObject(error);
    else await reconcile(work);
    expect(calls).toEqual(['hub remove']);
  });
});

describe('a device in a fleet that is not served', () => {
  const device = deviceWith({ '': scopedVariablesWith(1, held) });
  const notAllowed = { code: 'fleet-not-allowed' };
  const pair: [string, string] = [thumbprint, thumbprint];
  const visit = async (options: Partial<FakeOptions>, unservedIdentity?: 'remove' | 'disable') => {
    const fake = fakeWork({ device, hub: pair, ...options });
    const settings = { fleets: ['my_org/two'], renewAt: 0.8, ...(unservedIdentity && { unservedIdentity }) };
    await expect(reconcile({ ...fake.work, settings })).rejects.toMatchObject(notAllowed);
    return fake;
  };
  const once = { outside: { since: now - day, sightings: 1, isHandled: false }, hub: pair };

  test('is noted as outside, and keeps its identity, however often it is looked at without a sweep', async () => {
    const { work, calls } = await visit({});
    expect(work.observed.outside).toEqual({ since: now, sightings: 0, isHandled: false });
    const later = await visit({ observed: once });
    expect(later.work.observed.outside).toEqual(once.outside);
    expect([calls, later.calls]).toEqual([[], []]);
  });

  test('keeps its identity after the first sweep, and loses the identity after the second sweep', async () => {
    const first = await visit({ notice: 'outside' });
    expect(first.work.observed.outside).toMatchObject({ sightings: 1, isHandled: false });
    expect(first.calls).toEqual([]);
    const second = await visit({ notice: 'outside', observed: once });
    expect(second.calls).toEqual(['hub remove']);
    expect(second.work.observed).toMatchObject({ hub: 'none', outside: { sightings: 2, isHandled: true } });
    const handled = { ...once, outside: { ...once.outside, isHandled: true } };
    expect((await visit({ notice: 'outside', observed: handled })).calls).toEqual([]);
  });

  test('has its identity disabled by choice, with all other properties, and enabled again when the device comes back', async () => {
    const properties = { capabilities: { iotEdge: true } };
    const { calls, identity, hub } = await visit(
      { notice: 'outside', observed: once, properties },
      'disable',
    );
    expect(calls).toEqual(['hub get', expect.stringMatching(/^hub update/)]);
    const disabled = identity();
    expect(disabled).toMatchObject({
      isDisabled: true,
      version: { properties: { ...properties, status: 'disabled', statusReason: 'balena fleet not served' } },
    });
    const back = fakeWork({ device, observed: { outside: once.outside, hub: 'exists' } });
    back.work.hub = (_step, call) => call(hub, 1_000);
    await reconcile(back.work);
    expect(identity()).toMatchObject({ isDisabled: false, version: { properties } });
    expect(back.work.observed.hub).toEqual(pair);
  });

  test('is left as it is by that choice if an operator or another program has the identity', async () => {
    const byOperator = { status: 'disabled', statusReason: 'stolen' };
    const stolen = { notice: 'outside', observed: once, properties: byOperator } as const;
    expect((await visit(stolen, 'disable')).calls).toEqual(['hub get']);
    expect((await visit({ notice: 'outside', observed: once, hub: 'exists' }, 'disable')).calls).toEqual([
      'hub get',
    ]);
  });
});

test('credentials in use of which the record knows nothing are moved, not doubled: the hub accepts them all the time', async () => {
  const device = deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesWith(2, held) });
  const { work, calls, minted } = fakeWork({ device, hub: [thumbprint, thumbprint] });
  await reconcile(work);
  expect(minted()).toBe(0);
  expect(calls).toEqual([
    'recordScopes "main"',
    'hub get',
    'store AZURE_CERT at ""',
    'store AZURE_PRIVATE_KEY at ""',
    'remove 20 at "main"',
    'remove 21 at "main"',
  ]);
});

test('a certificate that was revoked does not come back with the next rotation', async () => {
  const device = deviceWith({ '': scopedVariablesWith(1, held) });
  const { work } = fakeWork({
    device,
    desired: { retire: thumbprint, revoke: true },
    observed: { thumbprint },
  });
  await reconcile(work);
  expect(work.observed.previous).toBeNull();
  expect(work.observed.thumbprint).not.toBe(thumbprint);
});
