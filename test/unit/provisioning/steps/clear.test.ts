import { clear, clearForeignServices } from '../../../../src/provisioning/steps/clear.js';
import {
  deviceWith,
  fakeWork,
  mintFor,
  scopedVariablesOf,
  scopedVariablesWith,
} from '../../../support/stepFakes.js';

const pair = await mintFor();
const stranger = await mintFor('cd'.repeat(16));

test('our variables are removed from the places, and from no other', async () => {
  const { work, removed } = fakeWork();
  const device = deviceWith({
    '': scopedVariablesWith(1, pair),
    main: scopedVariablesWith(2, pair),
    other: scopedVariablesWith(3, pair),
  });
  const changes = await clear(work, device, ['', 'main']);
  expect(removed).toEqual([
    { scope: '', id: 10 },
    { scope: '', id: 11 },
    { scope: 'main', id: 20 },
    { scope: 'main', id: 21 },
  ]);
  // The scopes leave the record after balena has shown that the variables are gone.
  expect([...work.clearedScopes]).toEqual([]);
  expect(changes.map(({ scope, name, value }) => [scope, name, value])).toEqual([
    ['', 'AZURE_CERT', null],
    ['', 'AZURE_PRIVATE_KEY', null],
    ['main', 'AZURE_CERT', null],
    ['main', 'AZURE_PRIVATE_KEY', null],
  ]);
});

test('a place that is empty, or gone, is clean', async () => {
  const { work, calls } = fakeWork();
  await clear(work, deviceWith({ '': scopedVariablesOf(1) }), ['', 'gone']);
  expect(calls).toEqual([]);
  expect([...work.clearedScopes]).toEqual(['', 'gone']);
});

test('half a pair is removed, too', async () => {
  const { work, removed } = fakeWork();
  await clear(work, deviceWith({ '': scopedVariablesOf(1, { AZURE_PRIVATE_KEY: 'x' }) }), ['']);
  expect(removed).toEqual([{ scope: '', id: 10 }]);
});

test('a place whose variables could not be removed does not count as clean', async () => {
  const { work } = fakeWork();
  const failing = {
    ...work,
    balena: async () => {
      throw new Error('refused');
    },
  };
  const device = deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesWith(2, pair) });
  await expect(clear(failing, device, ['', 'main'])).rejects.toThrow('refused');
  expect([...work.clearedScopes]).toEqual(['']);
});

describe('services of other applications', () => {
  const removedFrom = async (variables: Record<string, { id: number; value: string }>) => {
    const { work, removed } = fakeWork();
    await clearForeignServices(work, deviceWith({}, [{ name: 'main', variables }]));
    return removed.map(({ scope, id }) => `${scope} ${id}`);
  };

  test('lose the pair of the device, and half a pair', async () => {
    const { variables } = scopedVariablesWith(1, pair);
    expect(await removedFrom(variables)).toEqual(['main 10', 'main 11']);
    expect(await removedFrom({ AZURE_CERT: { id: 1, value: pair.certificate } })).toEqual(['main 1']);
    expect(await removedFrom({ AZURE_PRIVATE_KEY: { id: 2, value: 'x' } })).toEqual(['main 2']);
  });

  test.each([
    ['another device', stranger.certificate],
    ['nobody', 'no certificate'],
  ])('keep the certificate of %s, with the key beside it', async (_, certificate) => {
    const { variables } = scopedVariablesWith(1, { ...pair, certificate });
    expect(await removedFrom(variables)).toEqual([]);
  });
});
