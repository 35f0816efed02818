import type { ThumbprintPair } from '../../../../src/iothub/types.js';
import { register } from '../../../../src/provisioning/steps/register.js';
import { A, B, C, D, E, fakeWork, sha1 } from '../../../support/stepFakes.js';
import { thrownBy } from '../../../support/thrownBy.js';

test('a fresh device costs one operation: create, and never get first', async () => {
  const { work, calls } = fakeWork();
  await register(work, A, []);
  expect(calls).toEqual(['hub create AA']);
  expect(work.observed.hub).toEqual([A, A]);
});

test.each<[string, ThumbprintPair]>([
  ['first', [A, B]],
  ['second', [B, A]],
])('a hub that is known to accept the thumbprint in its %s slot is asked nothing', async (_, hub) => {
  const { work, calls } = fakeWork({ observed: { hub } });
  await register(work, A, []);
  expect(calls).toEqual([]);
  expect(work.observed.hub).toEqual(hub);
});

test('an identity that is known to exist is updated, and not created first', async () => {
  for (const hub of ['exists', [B, B]] as ('exists' | ThumbprintPair)[]) {
    const { work, calls } = fakeWork({ observed: { hub }, hub });
    await register(work, A, []);
    expect(calls).toEqual(['hub update AA']);
    expect(work.observed.hub).toEqual([A, A]);
  }
});

test('an identity that nobody knew of is updated after the create has found it', async () => {
  const { work, calls } = fakeWork({ hub: [B, B] });
  await register(work, A, []);
  expect(calls).toEqual(['hub create AA', 'hub update AA']);
});

test('an identity that is gone is created after the update has missed it', async () => {
  const { work, calls } = fakeWork({ observed: { hub: [B, B] }, hub: 'none' });
  await register(work, A, []);
  expect(calls).toEqual(['hub update AA', 'hub create AA']);
});

describe('the second slot', () => {
  test.each<[string, Parameters<typeof fakeWork>[0], string[], string]>([
    ['the pair that the device holds', { observed: { thumbprint: C, previous: D } }, [B], 'AB'],
    ['the first of several that it holds', {}, [B, C], 'AB'],
    ['what is not the new one', {}, [A, C], 'AC'],
    ['the thumbprint observed last', { observed: { thumbprint: C, previous: D } }, [], 'AC'],
    ['the one before, if that is the new one', { observed: { thumbprint: A, previous: D } }, [], 'AD'],
    ['the one to be retired, if nothing else is known', { desired: { retire: E } }, [], 'AE'],
    ['the one to be retired, if the device holds it', { desired: { retire: E } }, [E], 'AE'],
    ['the new one again, if nothing is known', {}, [], 'AA'],
    ['no SHA-1 thumbprint: both must be of the same kind', { observed: { previous: C } }, [sha1], 'AC'],
    ['the new one again, if all is SHA-1', { observed: { thumbprint: sha1, previous: sha1 } }, [], 'AA'],
    ['not the one that is revoked', { desired: { retire: E, revoke: true } }, [E], 'AA'],
    ['another than the one that is revoked', { desired: { retire: E, revoke: true } }, [B], 'AB'],
  ])('is %s', async (_, options, held, thumbprints) => {
    const { work, calls } = fakeWork(options);
    await register(work, A, held);
    expect(calls).toEqual([`hub create ${thumbprints}`]);
  });
});

test('a hub that still accepts what is revoked is updated, although it accepts the new one', async () => {
  const { work, calls } = fakeWork({
    desired: { retire: E, revoke: true },
    observed: { hub: [A, E] },
    hub: [A, E],
  });
  await register(work, A, [A]);
  expect(calls).toEqual(['hub update AA']);
});

test('a hub that accepts what is only retired is left as it is', async () => {
  const { work, calls } = fakeWork({ desired: { retire: E }, observed: { hub: [A, E] } });
  await register(work, A, [A]);
  expect(calls).toEqual([]);
});

test('with distrust the hub is asked, whatever the record says', async () => {
  const options = { forceVerify: true, observed: { hub: [A, A] as ThumbprintPair } };
  const gone = fakeWork({ ...options, hub: 'none' });
  await register(gone.work, A, []);
  expect(gone.calls).toEqual(['hub get', 'hub create AA']);
  const there = fakeWork({ ...options, hub: [A, B] });
  await register(there.work, A, []);
  expect(there.calls).toEqual(['hub get']);
  expect(there.work.observed.hub).toEqual([A, B]);
});

test('a write that fails leaves what the hub holds unknown', async () => {
  const { work } = fakeWork({ observed: { hub: [B, B] }, hub: [B, B], hubFails: ['update'] });
  await expect(register(work, A, [])).rejects.toThrow('update fails');
  expect(work.observed.hub).toBe('unknown');
});

test('an identity that comes and goes meanwhile is looked at again later', async () => {
  const { work } = fakeWork();
  const hub = {
    get: async () => 'none' as const,
    create: async () => 'exists' as const,
    update: async () => 'none' as const,
    remove: async () => 'none' as const,
    close() {},
  };
  const fickle = {
    ...work,
    hub: <R>(_step: unknown, call: (on: typeof hub, ms: number) => Promise<R>) => call(hub, 1),
  };
  expect(await thrownBy(register(fickle, A, []))).toMatchObject({
    code: 'hub-conflict',
    step: 'register',
  });
});
