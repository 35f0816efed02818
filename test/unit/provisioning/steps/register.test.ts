import type { ThumbprintPair } from '../../../../src/iothub/types.js';
import { register, revoke } from '../../../../src/provisioning/steps/register.js';
import { A, B, C, D, E, type FakeOptions, fakeWork, sha1 } from '../../../support/stepFakes.js';
import { thrownBy } from '../../../support/thrownBy.js';

test('a fresh device costs one operation: create, and never get first', async () => {
  const { work, calls } = fakeWork();
  await register(work, A, [], false);
  expect(calls).toEqual(['hub create AA']);
  expect(work.observed.hub).toEqual([A, A]);
});

test.each<[string, ThumbprintPair]>([
  ['first', [A, B]],
  ['second', [B, A]],
])('a hub that is known to accept the thumbprint in its %s slot is asked nothing', async (_, hub) => {
  const { work, calls } = fakeWork({ observed: { hub } });
  await register(work, A, [], false);
  expect(calls).toEqual([]);
  expect(work.observed.hub).toEqual(hub);
});

test('a fresh identity is remembered with its version', async () => {
  const { work } = fakeWork();
  await register(work, A, [], false);
  expect(work.observed.hubEtag).toBe('e1');
});

test('an identity of a known version is updated with one operation, and not read first', async () => {
  const { work, calls } = fakeWork({ observed: { hub: [B, B], hubEtag: 'e0' }, hub: [B, B] });
  await register(work, A, [], false);
  expect(calls).toEqual(['hub update AA of e0']);
  expect(work.observed).toMatchObject({ hub: [A, A], hubEtag: 'e1' });
});

test('a known version is updated also after a run whose outcome is unknown', async () => {
  const { work, calls } = fakeWork({ observed: { hub: 'unknown', hubEtag: 'e0' }, hub: [B, B] });
  await register(work, A, [], false);
  expect(calls).toEqual(['hub update AA of e0']);
});

test('an identity that is known to exist, in an unknown version, is read and then updated', async () => {
  for (const hub of ['exists', [B, B]] as ('exists' | ThumbprintPair)[]) {
    const { work, calls } = fakeWork({ observed: { hub }, hub });
    await register(work, A, [], false);
    expect(calls).toEqual(['hub get', 'hub update AA of e0']);
    expect(work.observed).toMatchObject({ hub: [A, A], hubEtag: 'e1' });
  }
});

test('an identity that nobody knew of is read and updated after the create has found it', async () => {
  const { work, calls } = fakeWork({ hub: [B, B] });
  await register(work, A, [], false);
  expect(calls).toEqual(['hub create AA', 'hub get', 'hub update AA of e0']);
});

test('an unknown identity that already accepts the thumbprint is only read', async () => {
  const { work, calls } = fakeWork({ hub: [A, B] });
  await register(work, A, [], false);
  expect(calls).toEqual(['hub create AA', 'hub get']);
  expect(work.observed).toMatchObject({ hub: [A, B], hubEtag: 'e0' });
});

test('the identity of a device that holds a pair is read first, even if the record does not know the identity', async () => {
  const adopted = fakeWork({ hub: [A, B] });
  await register(adopted.work, A, [A], false);
  expect(adopted.calls).toEqual(['hub get']);
  const replaced = fakeWork({ hub: [B, B] });
  await register(replaced.work, A, [A], false);
  expect(replaced.calls).toEqual(['hub get', 'hub update AA of e0']);
  const lost = fakeWork();
  await register(lost.work, A, [A], false);
  expect(lost.calls).toEqual(['hub get', 'hub create AA']);
});

test('an identity that has changed since the record was written is read before it is replaced', async () => {
  const { work, calls } = fakeWork({ observed: { hub: [B, B], hubEtag: 'old' }, hub: [C, C] });
  await register(work, A, [], false);
  expect(calls).toEqual(['hub update AA of old', 'hub get', 'hub update AA of e0']);
});

test.each(['none', 'changed'] as const)(
  'an identity that is gone is created after the update has missed it (%s)',
  async (answer) => {
    const { work, calls, hub } = fakeWork({ observed: { hub: [B, B], hubEtag: 'e0' }, hub: 'none' });
    const { update } = hub;
    hub.update = async (...call) => (await update(...call)) && answer;
    await register(work, A, [], false);
    const reads = answer === 'changed' ? ['hub get'] : [];
    expect(calls).toEqual(['hub update AA of e0', ...reads, 'hub create AA']);
  },
);

describe('the properties of an identity that another program made', () => {
  const properties = { status: 'enabled', capabilities: { iotEdge: true }, statusReason: 'gateway' };

  test.each<[string, FakeOptions]>([
    ['that the record does not know', {}],
    ['that exists', { observed: { hub: 'exists' } }],
    ['of another version', { observed: { hub: [B, B], hubEtag: 'old' } }],
    ['that is checked', { forceVerify: true, observed: { hub: [B, B], hubEtag: 'old' } }],
  ])('stay: an identity %s', async (_, options) => {
    const { work, identity } = fakeWork({ ...options, hub: [B, B], properties });
    await register(work, A, [], false);
    expect(identity()).toMatchObject({ thumbprints: [A, A], version: { properties } });
  });

  test('are read again before the next update, because the record does not hold them', async () => {
    const { work, calls } = fakeWork({ observed: { hub: 'exists' }, hub: [B, B], properties });
    await register(work, A, [], false);
    expect(work.observed.hubEtag).toBeUndefined();
    await register(work, C, [], false);
    expect(calls.slice(2)).toEqual(['hub get', 'hub update CC of e1']);
  });
});

describe('an identity that is disabled', () => {
  const properties = { status: 'disabled', statusReason: 'stolen' };

  test.each<[string, FakeOptions]>([
    ['that the record does not know', {}],
    ['that exists', { observed: { hub: 'exists' } }],
    ['that the record knows as enabled', { observed: { hub: [B, B], hubEtag: 'old' } }],
    ['that is checked', { forceVerify: true, observed: { hub: [B, B], hubEtag: 'old' } }],
    ['that accepts the certificate', { forceVerify: true, hub: [A, A] }],
    ['whose certificate is to be revoked', { desired: { retire: [B], revoke: [B] } }],
  ])('is left alone, and fails for good: an identity %s', async (_, options) => {
    const { work, identity, calls } = fakeWork({ hub: [B, B], ...options, properties });
    const before = identity();
    expect(await thrownBy(register(work, A, [], false))).toMatchObject({
      code: 'hub-device-disabled',
      policy: { isFinal: true },
      step: 'register',
    });
    expect(identity()).toEqual(before);
    expect(work.observed).toMatchObject({ hub: 'exists', hubEtag: undefined });
    expect(calls.at(-1)).toBe('hub get');
  });
});

describe('the second slot', () => {
  test.each<[string, Parameters<typeof fakeWork>[0], string[], string]>([
    ['the pair that the device holds', { observed: { thumbprint: C, previous: D } }, [B], 'AB'],
    ['the first of several that it holds', {}, [B, C], 'AB'],
    ['what is not the new one', {}, [A, C], 'AC'],
    ['the thumbprint observed last', { observed: { thumbprint: C, previous: D } }, [], 'AC'],
    ['the one before, if that is the new one', { observed: { thumbprint: A, previous: D } }, [], 'AD'],
    ['the one to be retired, if the device holds it', { desired: { retire: [E] } }, [E], 'AE'],
    ['the new one again, if nothing is known', {}, [], 'AA'],
    ['no SHA-1 thumbprint: both must be of the same kind', { observed: { previous: C } }, [sha1], 'AC'],
    ['the new one again, if all is SHA-1', { observed: { thumbprint: sha1, previous: sha1 } }, [], 'AA'],
  ])('is %s', async (_, options, held, thumbprints) => {
    const { work, calls } = fakeWork(options);
    await register(work, A, held, false);
    expect(calls.at(-1)).toBe(`hub create ${thumbprints}`);
  });
});

describe('a thumbprint to be revoked', () => {
  const desired = { retire: [D, E], revoke: [D, E] };
  const known = (hub: ThumbprintPair): FakeOptions => ({
    desired,
    hub,
    observed: { hub, hubEtag: 'e0', previous: E },
  });

  test('stays accepted until balena shows the new pair, if the device holds it', async () => {
    const { work, calls } = fakeWork(known([E, B]));
    await register(work, A, [E], false);
    expect(calls).toEqual(['hub update AE of e0']);
  });

  test('goes as soon as balena shows the new pair', async () => {
    const { work, calls } = fakeWork(known([A, E]));
    await register(work, A, [A], true);
    expect(calls).toEqual(['hub update AA of e0']);
  });

  test('goes after the first update of the same run, with one further operation', async () => {
    const { work, calls } = fakeWork(known([E, E]));
    await register(work, A, [E], false);
    await revoke(work, A, [E]);
    expect(calls).toEqual(['hub update AE of e0', 'hub update AA of e1']);
    await revoke(work, A, [E]);
    expect(calls).toHaveLength(2);
  });

  test('goes although the hub already accepts the new one, also if the identity must be read before', async () => {
    const { work, calls } = fakeWork({ desired, observed: { hub: [A, E] }, hub: [A, E] });
    await register(work, A, [A], true);
    expect(calls).toEqual(['hub get', 'hub update AA of e0']);
  });

  test('makes place for another pair that the device holds', async () => {
    const { work, calls } = fakeWork(known([E, D]));
    await register(work, A, [E, B], true);
    expect(calls).toEqual(['hub update AB of e0']);
  });

  test.each<[string, FakeOptions, string[]]>([
    ['a new identity', {}, ['hub create AA']],
    ['an identity that accepts another', known([B, B]), ['hub update AA of e0']],
    ['an identity that was removed', { desired, observed: { hub: 'none', previous: E } }, ['hub create AA']],
  ])('never comes into %s', async (_, options, expected) => {
    const { work, calls } = fakeWork({ desired, ...options });
    await register(work, A, options.hub ? [E] : [], false);
    expect(calls).toEqual(expected);
  });

  test('is looked for at the hub, if the accepted thumbprints are not known', async () => {
    const { work, calls } = fakeWork({
      desired,
      hub: [E, E],
      observed: { hub: 'unknown', hubEtag: 'e0', previous: E },
    });
    await register(work, A, [], false);
    expect(calls).toEqual(['hub get', 'hub update AE of e0']);
  });
});

test('an old thumbprint that is to be retired stays only while the hub accepts it', async () => {
  const desired = { retire: [D, E] };
  const accepted = fakeWork({ desired, hub: [E, E] });
  await register(accepted.work, A, [], false);
  expect(accepted.calls.at(-1)).toBe('hub update AE of e0');
  const forgotten = fakeWork({ desired, hub: [B, B] });
  await register(forgotten.work, A, [], false);
  expect(forgotten.calls.at(-1)).toBe('hub update AA of e0');
});

test('a hub that accepts what is only retired is left as it is', async () => {
  const { work, calls } = fakeWork({ desired: { retire: [E] }, observed: { hub: [A, E] } });
  await register(work, A, [A], false);
  expect(calls).toEqual([]);
});

test('with forceVerify the hub is asked, whatever the record says', async () => {
  const options = { forceVerify: true, observed: { hub: [A, A] as ThumbprintPair } };
  const gone = fakeWork({ ...options, hub: 'none' });
  await register(gone.work, A, [], false);
  expect(gone.calls).toEqual(['hub get', 'hub create AA']);
  const there = fakeWork({ ...options, hub: [A, B] });
  await register(there.work, A, [], false);
  expect(there.calls).toEqual(['hub get']);
  expect(there.work.observed.hub).toEqual([A, B]);
});

test('a write that fails leaves what the hub holds unknown', async () => {
  const observed = { hub: [B, B] as ThumbprintPair, hubEtag: 'e0' };
  const { work } = fakeWork({ observed, hub: [B, B], hubFails: ['update'] });
  await expect(register(work, A, [], false)).rejects.toThrow('update fails');
  expect(work.observed.hub).toBe('unknown');
});

test('an identity that comes and goes meanwhile is looked at again later', async () => {
  const { work, hub } = fakeWork();
  hub.create = async () => 'exists';
  hub.get = async () => 'none';
  expect(await thrownBy(register(work, A, [], false))).toMatchObject({
    code: 'hub-conflict',
    step: 'register',
  });
});
