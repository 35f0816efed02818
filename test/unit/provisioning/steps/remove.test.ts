import type { VariableName } from '../../../../src/balena/types.js';
import type { ThumbprintPair } from '../../../../src/iothub/types.js';
import { remove } from '../../../../src/provisioning/steps/remove.js';
import { findDevice } from '../../../../src/provisioning/steps/validate.js';
import {
  A,
  B,
  deviceWith,
  fakeWork,
  mintFor,
  now,
  scopedVariablesOf,
  scopedVariablesWith,
} from '../../../support/stepFakes.js';
import { thrownBy } from '../../../support/thrownBy.js';

const pair = await mintFor();
const stranger = await mintFor('cd'.repeat(16));
const absent = { present: false, service: null };
const nothing = {
  thumbprint: null,
  previous: null,
  service: null,
  notBefore: null,
  notAfter: null,
  keyAlgorithm: null,
  hub: 'none',
};
const observed = {
  thumbprint: A,
  previous: B,
  service: '',
  hub: [A, B] as ThumbprintPair,
  notBefore: now,
  notAfter: now,
};

test('the identity goes first, then the variables, and nothing is observed any more', async () => {
  const device = deviceWith({ '': scopedVariablesWith(1, pair) });
  const { work, calls } = fakeWork({ desired: absent, observed, hub: [A, B], device });
  await remove(work, () => findDevice(work));
  expect(calls).toEqual(['hub remove', 'find', 'remove 10 at ""', 'remove 11 at ""', 'find']);
  expect(work.observed).toMatchObject(nothing);
  expect([...work.clearedScopes]).toEqual(['']);
});

describe('a key that may not write the fleet gets 200, and nothing is removed', () => {
  test.each<[string, VariableName[]]>([
    ['both variables', ['AZURE_CERT', 'AZURE_PRIVATE_KEY']],
    ['one of them', ['AZURE_CERT']],
  ])('then the removal of %s has failed, and the record keeps the scope', async (_, keeps) => {
    const device = deviceWith({ '': scopedVariablesWith(1, pair) });
    const { work } = fakeWork({ desired: absent, observed, hub: [A, B], device, keeps });
    const error = await thrownBy(remove(work, () => findDevice(work)));
    expect(error).toMatchObject({ code: 'balena-write-refused', step: 'remove' });
    expect(error).toHaveProperty('message', expect.stringContaining('my_org/one'));
    expect(error).toHaveProperty('message', expect.stringContaining('AZURE_CERT of the device'));
    expect(work.observed).toMatchObject({ thumbprint: A, hub: 'none' });
    expect([...work.clearedScopes]).toEqual([]);
  });

  test('the same in a service of another application', async () => {
    const { variables } = scopedVariablesWith(5, pair);
    const device = deviceWith({ '': scopedVariablesOf(1) }, [{ name: 'main', variables }]);
    const { work } = fakeWork({ desired: absent, device, keeps: ['AZURE_PRIVATE_KEY'] });
    expect(await thrownBy(remove(work, () => findDevice(work)))).toMatchObject({
      code: 'balena-write-refused',
    });
  });
});

test('a scope that the record did not know is recorded before its pair is removed: a half would not be known to be ours', async () => {
  const device = deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesWith(2, pair) });
  const { work, calls } = fakeWork({ desired: absent, scopes: [], device });
  await remove(work, () => findDevice(work));
  expect(calls.slice(1)).toEqual([
    'find',
    'recordScopes "main"',
    'remove 20 at "main"',
    'remove 21 at "main"',
    'find',
  ]);
});

test('a device that was deleted before balena could show it has nothing left', async () => {
  const device = deviceWith({ '': scopedVariablesWith(1, pair) });
  const { work } = fakeWork({ desired: absent, observed });
  await remove(work, async () => device);
  expect(work.observed).toMatchObject(nothing);
  expect([...work.clearedScopes]).toEqual(['']);
});

test('that both are gone already is fine', async () => {
  const { work, calls } = fakeWork({ desired: absent });
  await remove(work, async () => deviceWith({ '': scopedVariablesOf(1) }));
  expect(calls).toEqual(['hub remove']);
  expect(work.observed).toMatchObject(nothing);
});

test('every pair that is made out to the device goes, wherever it stands; a pair of another stays', async () => {
  const { work, removed } = fakeWork({ desired: absent, scopes: [] });
  await remove(work, async () =>
    deviceWith({
      '': scopedVariablesOf(1),
      main: scopedVariablesWith(2, pair),
      other: scopedVariablesWith(3, stranger),
    }),
  );
  expect(removed.map(({ scope }) => scope)).toEqual(['main', 'main']);
});

test('the pair of the device goes from services of other applications, too', async () => {
  const { work, removed } = fakeWork({ desired: absent, scopes: [] });
  const { variables } = scopedVariablesWith(5, pair);
  await remove(work, async () => deviceWith({ '': scopedVariablesOf(1) }, [{ name: 'main', variables }]));
  expect(removed).toEqual([
    { scope: 'main', id: 50 },
    { scope: 'main', id: 51 },
  ]);
});

test('at its own places even half a pair goes', async () => {
  const { work, removed } = fakeWork({ desired: absent, scopes: ['main'] });
  await remove(work, async () =>
    deviceWith({
      '': scopedVariablesOf(1, { AZURE_CERT: 'x' }),
      main: scopedVariablesOf(2, { AZURE_CERT: 'x' }),
    }),
  );
  expect(removed).toEqual([{ scope: 'main', id: 20 }]);
});

test('of a device that balena does not know, the identity is all that is left to remove', async () => {
  const { work, calls } = fakeWork({ observed, hub: [A, B] });
  await remove(work, async () => null);
  expect(calls).toEqual(['hub remove']);
  expect(work.observed).toMatchObject(nothing);
});

test('an unknown device that never had an identity costs no operation, unless its removal was asked for', async () => {
  const never = { observed: { hub: 'none' as const } };
  const wanted = fakeWork(never);
  await remove(wanted.work, async () => null);
  expect(wanted.calls).toEqual([]);
  const unwanted = fakeWork({ ...never, desired: absent });
  await remove(unwanted.work, async () => null);
  expect(unwanted.calls).toEqual(['hub remove']);
  const toVerify = fakeWork({ ...never, forceVerify: true });
  await remove(toVerify.work, async () => null);
  expect(toVerify.calls).toEqual(['hub remove']);
});

test('a removal that fails leaves what the hub holds unknown, and the variables where they are', async () => {
  const { work, calls } = fakeWork({ desired: absent, observed, hub: [A, B], hubFails: ['remove'] });
  await expect(remove(work, async () => deviceWith({ '': scopedVariablesWith(1, pair) }))).rejects.toThrow(
    'remove fails',
  );
  expect(calls).toEqual(['hub remove']);
  expect(work.observed).toMatchObject({ thumbprint: A, hub: 'unknown' });
});

test.each([
  ['the first run of a request', false, 'none', ['hub remove']],
  ['a retry after the identity was removed', true, 'none', []],
  ['a retry after a run that left the hub unknown', true, 'unknown', ['hub remove']],
] as const)('%s asks the hub: %j', async (_, isRetry, hub, expected) => {
  const { work, calls } = fakeWork({ desired: absent, observed: { hub }, isRetry });
  await remove(work, async () => null);
  expect(calls).toEqual(expected);
});
