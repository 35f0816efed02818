import { reconcile } from '../../../src/provisioning/reconcile.js';
import {
  deviceWith,
  fakeWork,
  mintFor,
  scopedVariablesOf,
  scopedVariablesWith,
} from '../../support/stepFakes.js';

const held = await mintFor();
const { thumbprint } = held;

describe('a device that balena does not show', () => {
  const gone = { code: 'device-not-found' };

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

  test('keeps its identity, if our key does not see its fleet any more', async () => {
    const { work, calls } = fakeWork({ observed: { fleet: 'my_org/one' }, unseen: true });
    await expect(reconcile(work)).rejects.toMatchObject({ code: 'device-not-visible' });
    expect(calls).toEqual([]);
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
