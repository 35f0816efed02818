import { clean } from '../../../../src/provisioning/steps/clean.js';
import { deviceWith, fakeWork, mintFor, spotOf, spotWith } from '../../../support/stepFakes.js';

const pair = await mintFor();

test('our variables are removed from the places, and from no other', async () => {
  const { work, removed } = fakeWork();
  const device = deviceWith({ '': spotWith(1, pair), main: spotWith(2, pair), other: spotWith(3, pair) });
  await clean(work, device, ['', 'main']);
  expect(removed).toEqual([
    { place: '', id: 10 },
    { place: '', id: 11 },
    { place: 'main', id: 20 },
    { place: 'main', id: 21 },
  ]);
  expect([...work.cleaned]).toEqual(['', 'main']);
});

test('a place that is empty, or gone, is clean', async () => {
  const { work, calls } = fakeWork();
  await clean(work, deviceWith({ '': spotOf(1) }), ['', 'gone']);
  expect(calls).toEqual([]);
  expect([...work.cleaned]).toEqual(['', 'gone']);
});

test('half a pair is removed, too', async () => {
  const { work, removed } = fakeWork();
  await clean(work, deviceWith({ '': spotOf(1, { AZURE_PRIVATE_KEY: 'x' }) }), ['']);
  expect(removed).toEqual([{ place: '', id: 10 }]);
});

test('a place whose variables could not be removed does not count as clean', async () => {
  const { work } = fakeWork();
  const failing = {
    ...work,
    balena: async () => {
      throw new Error('refused');
    },
  };
  const device = deviceWith({ '': spotOf(1), main: spotWith(2, pair) });
  await expect(clean(failing, device, ['', 'main'])).rejects.toThrow('refused');
  expect([...work.cleaned]).toEqual(['']);
});
