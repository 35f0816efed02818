import type { BalenaDevice, VariableName } from '../../../src/balena/types.js';
import type { HubIdentity } from '../../../src/iothub/types.js';
import { reconcile } from '../../../src/provisioning/reconcile.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
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
import { thrownBy } from '../../support/thrownBy.js';

const held = await mintFor();
const { thumbprint } = held;

const gone = { code: 'device-not-found' };

describe('a device that balena does not show', () => {
  test('loses its identity, if it was seen before', async () => {
    const { work, calls } = fakeWork({ observed: { fleet: 'my_org/one' }, hub: [thumbprint, thumbprint] });
    await expect(reconcile(work)).rejects.toMatchObject(gone);
    expect(calls).toEqual(['find', 'hub remove']);
    // The device may come into sight again, with its variables.
    expect([...work.clearedScopes]).toEqual([]);
  });

  test('keeps the identity that it may have, if it was never seen: who may ask for devices must not remove any', async () => {
    const { work, calls } = fakeWork({ hub: [thumbprint, thumbprint] });
    await expect(reconcile(work)).rejects.toMatchObject(gone);
    expect(calls).toEqual(['find']);
  });

  test('keeps its identity, if our key does not see its fleet any more, and an operator has to decide', async () => {
    const { work, calls } = fakeWork({ observed: { fleet: 'my_org/one' }, unseen: true });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'device-not-visible' });
    expect(calls).toEqual(['find']);
  });

  test('loses its identity after an operator has confirmed that the fleet was deleted', async () => {
    const { work, calls } = fakeWork({
      observed: { fleet: 'my_org/one' },
      unseen: true,
      notice: 'fleet-deleted',
    });
    await expect(reconcile(work)).rejects.toMatchObject(gone);
    expect(calls).toEqual(['find', 'hub remove']);
  });

  test('loses its identity at once where that was asked for, and is tried again until its fleet is to be seen, or it is given up', async () => {
    const { work, calls } = fakeWork({
      desired: { present: false, service: null },
      observed: { fleet: 'my_org/one' },
      unseen: true,
    });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'device-not-visible' });
    expect(calls).toEqual(['hub remove', 'find']);
  });
});

describe('a check of a request that an operator has cancelled or discarded', () => {
  test('changes nothing at a device that balena has', async () => {
    const device = deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesWith(2, held) });
    const { work, calls, minted } = fakeWork({ device, looksOnly: true });
    await reconcile(work);
    expect([calls, minted()]).toEqual([['find'], 0]);
  });

  test.each([
    ['present', {}, gone],
    ['absent', { present: false, service: null }, null],
  ])('removes the identity of a deleted device that was to be %s', async (_, desired, error) => {
    const observed = { fleet: 'my_org/one' };
    const { work, calls } = fakeWork({ desired, observed, looksOnly: true, hub: [thumbprint, thumbprint] });
    if (error) await expect(reconcile(work)).rejects.toMatchObject(error);
    else await reconcile(work);
    expect(calls).toEqual(['find', 'hub remove']);
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
    expect([calls, later.calls]).toEqual([['find'], ['find']]);
  });

  test('keeps its identity after the first sweep, and loses the identity after the second sweep', async () => {
    const first = await visit({ notice: 'outside' });
    expect(first.work.observed.outside).toMatchObject({ sightings: 1, isHandled: false });
    expect(first.calls).toEqual(['find']);
    const second = await visit({ notice: 'outside', observed: once });
    expect(second.calls).toEqual(['find', 'hub remove']);
    expect(second.work.observed).toMatchObject({ hub: 'none', outside: { sightings: 2, isHandled: true } });
    const handled = { ...once, outside: { ...once.outside, isHandled: true } };
    expect((await visit({ notice: 'outside', observed: handled })).calls).toEqual(['find']);
  });

  test('has its identity disabled by choice, with all other properties, and enabled again when the device comes back', async () => {
    const properties = { capabilities: { iotEdge: true } };
    const { calls, identity, hub } = await visit(
      { notice: 'outside', observed: once, properties },
      'disable',
    );
    expect(calls).toEqual(['find', 'hub get', expect.stringMatching(/^hub update/)]);
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
    expect((await visit(stolen, 'disable')).calls).toEqual(['find', 'hub get']);
    expect((await visit({ notice: 'outside', observed: once, hub: 'exists' }, 'disable')).calls).toEqual([
      'find',
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
    'find',
    'recordScopes "main"',
    'hub get',
    'store AZURE_CERT at ""',
    'store AZURE_PRIVATE_KEY at ""',
    'remove 20 at "main"',
    'remove 21 at "main"',
    'find',
  ]);
  expect([...work.clearedScopes]).toEqual(['main']);
});

test('a certificate that was revoked does not come back with the next rotation', async () => {
  const device = deviceWith({ '': scopedVariablesWith(1, held) });
  const { work } = fakeWork({
    device,
    desired: { retire: [thumbprint], revoke: [thumbprint] },
    observed: { thumbprint },
  });
  await reconcile(work);
  expect(work.observed.previous).toBeNull();
  expect(work.observed.thumbprint).not.toBe(thumbprint);
});

describe('done means read back', () => {
  const accepted: FakeOptions = {
    hub: [thumbprint, thumbprint],
    observed: { thumbprint, service: '', hub: [thumbprint, thumbprint], hubEtag: 'e0' },
    device: deviceWith({ '': scopedVariablesWith(1, held) }),
  };
  const rotation = { ...accepted, desired: { retire: [thumbprint] } };
  const revocation = { ...accepted, desired: { retire: [thumbprint], revoke: [thumbprint] } };
  const both: VariableName[] = ['AZURE_CERT', 'AZURE_PRIVATE_KEY'];
  const accepts = (identity: HubIdentity | 'none') =>
    identity === 'none' ? [] : (identity.thumbprints ?? []);

  test('a fresh device costs three requests of balena and one registry operation: a new row is answered honestly', async () => {
    const { work, calls } = fakeWork({ device: deviceWith({ '': scopedVariablesOf(1) }) });
    await reconcile(work);
    expect(calls).toEqual([
      'find',
      expect.stringMatching('hub create'),
      'store AZURE_CERT at ""',
      'store AZURE_PRIVATE_KEY at ""',
    ]);
    expect(work.observed.thumbprint).not.toBeNull();
  });

  test('a rotation is read back, with one request', async () => {
    const { work, calls } = fakeWork(rotation);
    await reconcile(work);
    expect(calls.filter((call) => call === 'find')).toHaveLength(2);
    expect(calls.at(-1)).toBe('find');
    expect(work.observed).toMatchObject({ previous: thumbprint });
    expect(work.observed.thumbprint).not.toBe(thumbprint);
  });

  test.each<[string, FakeOptions]>([
    ['a rotation', rotation],
    ['a revocation', revocation],
  ])('%s without effect fails, and the hub accepts what the device holds', async (_, options) => {
    const { work, identity } = fakeWork({ ...options, keeps: both });
    const error = await thrownBy(reconcile(work));
    expect(error).toMatchObject({ code: 'balena-write-refused', step: 'store', dependency: 'balena' });
    expect(error).toHaveProperty('message', expect.stringContaining('my_org/one'));
    expect(accepts(identity())).toContain(thumbprint);
    // The record says what the device uses.
    expect(work.observed).toMatchObject({ thumbprint, service: '' });
  });

  test.each(both)(
    'a change of which only %s has no effect fails, and the previous certificate stays',
    async (name) => {
      const { work, identity } = fakeWork({ ...revocation, keeps: [name] });
      await expect(reconcile(work)).rejects.toMatchObject({ code: 'balena-write-refused' });
      expect(accepts(identity())).toContain(thumbprint);
      expect(work.observed).toMatchObject({ thumbprint: null, previous: thumbprint });
      // The next run mints again, and still keeps the thumbprint.
      await expect(reconcile(work)).rejects.toMatchObject({ code: 'balena-write-refused' });
      expect(accepts(identity())).toContain(thumbprint);
    },
  );

  test('a revocation keeps the old thumbprint until balena shows the new pair', async () => {
    const { work, calls, identity } = fakeWork(revocation);
    await reconcile(work);
    expect(calls.map((call) => call.replace(/ [0-9A-F]{2} of/, ' of'))).toEqual([
      'find',
      'hub update of e0',
      'store AZURE_CERT at ""',
      'store AZURE_PRIVATE_KEY at ""',
      'find',
      'hub update of e1',
    ]);
    const { thumbprint: present } = work.observed;
    expect(accepts(identity())).toEqual([present, present]);
    expect(work.observed.previous).toBeNull();
  });

  test('a revocation reads back new rows, too', async () => {
    const device = deviceWith({ '': scopedVariablesOf(1) });
    const { work, calls } = fakeWork({ ...revocation, device });
    await reconcile(work);
    expect(calls.slice(-2)).toEqual(['find', expect.stringMatching('hub update')]);
  });

  test('while the reading back fails, the old thumbprint stays; the next run finds the new pair, and revokes', async () => {
    const { work, identity, minted } = fakeWork(revocation);
    const { balena } = work;
    let finds = 0;
    work.balena = async (step, call) => {
      if (step === 'validate') finds += 1;
      if (finds === 2) throw new ProvisioningError('timed-out', 'No answer.', { dependency: 'balena' });
      return balena(step, call);
    };
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'timed-out' });
    expect(accepts(identity())).toContain(thumbprint);
    work.balena = balena;
    await reconcile(work);
    expect(minted()).toBe(1);
    expect(accepts(identity())).not.toContain(thumbprint);
  });

  test('variables do not leave another scope before balena shows the pair in the desired scope', async () => {
    const device = deviceWith({
      '': scopedVariablesWith(1, held),
      main: scopedVariablesOf(2, { AZURE_CERT: 'half' }),
    });
    const { work, removed } = fakeWork({
      ...accepted,
      desired: { service: 'main' },
      scopes: ['', 'main'],
      device,
      keeps: ['AZURE_CERT'],
    });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'balena-write-refused' });
    expect(removed).toEqual([]);
  });

  test('a scope stays in the record while its variables stay', async () => {
    const device = deviceWith({ '': scopedVariablesWith(1, held), main: scopedVariablesOf(2) });
    const { work } = fakeWork({
      ...accepted,
      desired: { service: 'main' },
      scopes: ['', 'main'],
      device,
      keeps: ['AZURE_PRIVATE_KEY'],
    });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'balena-write-refused' });
    expect([...work.clearedScopes]).toEqual([]);
    expect(work.observed).toMatchObject({ thumbprint, service: 'main' });
  });

  test('a removal from the service of another application is read back', async () => {
    const { variables } = scopedVariablesWith(5, held);
    const device = deviceWith({ '': scopedVariablesWith(1, held) }, [{ name: 'main', variables }]);
    const done = fakeWork({ ...accepted, device });
    await reconcile(done.work);
    expect(done.calls).toEqual(['find', 'remove 50 at "main"', 'remove 51 at "main"', 'find']);
    const kept = fakeWork({ ...accepted, device, keeps: both });
    await expect(reconcile(kept.work)).rejects.toMatchObject({ code: 'balena-write-refused' });
  });

  test('another writer at the same time is a conflict, and not a missing right', async () => {
    const { work } = fakeWork(rotation);
    const { balena } = work;
    work.balena = async (step, call) => {
      const result = await balena(step, call);
      const found = result as BalenaDevice | undefined;
      if (step !== 'validate' || work.observed.thumbprint !== null) return result;
      found?.scopes.set('', scopedVariablesOf(1, { AZURE_CERT: 'x', AZURE_PRIVATE_KEY: 'y' }));
      return result;
    };
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'balena-conflict', step: 'store' });
  });

  test('a device that was deleted meanwhile is not found', async () => {
    const { work } = fakeWork({ ...rotation, observed: { ...rotation.observed, fleet: 'my_org/one' } });
    const { balena } = work;
    work.balena = async (step, call) => {
      const result = await balena(step, call);
      const isGone = work.observed.thumbprint === null && typeof result === 'object';
      return step === 'validate' && isGone ? (null as typeof result) : result;
    };
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'device-not-found' });
    expect(work.observed.hub).toBe('none');
  });
});
