import { minter } from '../../../../src/certificates/mint.js';
import { choose } from '../../../../src/provisioning/steps/choose.js';
import { ProvisioningError } from '../../../../src/shared/errors.js';
import {
  day,
  deviceWith,
  fakeWork,
  mintFor,
  now,
  scopedVariablesOf,
  scopedVariablesWith,
  uuid,
} from '../../../support/stepFakes.js';

const held = await mintFor();
const elsewhere = await mintFor();

test('a device that holds nothing gets a new pair', async () => {
  const { work, minted } = fakeWork();
  const choice = await choose(work, deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesOf(2) }));
  expect(choice).toMatchObject({ credentials: { thumbprint: expect.any(String) }, held: [] });
  expect(minted()).toBe(1);
});

test('a good pair that the device holds is adopted, and none is minted', async () => {
  const { work, minted } = fakeWork();
  const choice = await choose(work, deviceWith({ '': scopedVariablesWith(1, held) }));
  expect(choice).toEqual({ credentials: held, held: [held.thumbprint], untrackedScopes: [] });
  expect(minted()).toBe(0);
});

test('where two places hold a pair, that of the desired service wins', async () => {
  const { work } = fakeWork({ desired: { service: 'main' }, scopes: ['', 'main'] });
  const choice = await choose(
    work,
    deviceWith({ '': scopedVariablesWith(1, elsewhere), main: scopedVariablesWith(2, held) }),
  );
  expect(choice).toMatchObject({ credentials: held, held: [held.thumbprint, elsewhere.thumbprint] });
});

test('a pair moves with the device from one of its places to another', async () => {
  const { work } = fakeWork({ desired: { service: 'main' }, scopes: ['', 'main'] });
  const choice = await choose(
    work,
    deviceWith({ '': scopedVariablesWith(1, elsewhere), main: scopedVariablesOf(2) }),
  );
  expect(choice).toMatchObject({ credentials: elsewhere, held: [elsewhere.thumbprint] });
});

test('where it holds one of its own, a pair elsewhere is left alone', async () => {
  const { work } = fakeWork();
  const choice = await choose(
    work,
    deviceWith({ '': scopedVariablesWith(1, held), main: scopedVariablesWith(2, elsewhere) }),
  );
  expect(choice).toEqual({ credentials: held, held: [held.thumbprint], untrackedScopes: [] });
});

test('a pair that it holds where the record knows of none is the one in use: it is adopted, and moved', async () => {
  const { work, minted } = fakeWork();
  const choice = await choose(
    work,
    deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesWith(2, elsewhere) }),
  );
  expect(choice).toEqual({ credentials: elsewhere, held: [elsewhere.thumbprint], untrackedScopes: ['main'] });
  expect(minted()).toBe(0);
});

test('such a pair stays accepted while it is replaced, if it is not good to stay', async () => {
  const { work, minted } = fakeWork({ desired: { retire: [elsewhere.thumbprint] } });
  const choice = await choose(
    work,
    deviceWith({ '': scopedVariablesOf(1), main: scopedVariablesWith(2, elsewhere) }),
  );
  expect([choice.held, choice.untrackedScopes, minted()]).toEqual([[elsewhere.thumbprint], ['main'], 1]);
});

test('a pair that is to be retired is replaced, and still known to be held', async () => {
  const { work, minted } = fakeWork({ desired: { retire: [held.thumbprint] } });
  const choice = await choose(work, deviceWith({ '': scopedVariablesWith(1, held) }));
  expect(choice.credentials.thumbprint).not.toBe(held.thumbprint);
  expect([choice.held, minted()]).toEqual([[held.thumbprint], 1]);
});

test.each([
  ['a moment before', 80 * day - 300_000 * 0.2 - 1_000, 0],
  ['at', 80 * day - 300_000 * 0.2, 1],
  ['long after', 400 * day, 1],
])('%s the part of its life after which it is renewed, a pair of 100 days', async (_, age, mints) => {
  const old = await minter({ days: 100 })(uuid, now - age);
  const { work, minted } = fakeWork();
  await choose(work, deviceWith({ '': scopedVariablesWith(1, old) }));
  expect(minted()).toBe(mints);
});

test('a pair that cannot be minted is an error of the step, and is tried again later', async () => {
  const { work } = fakeWork();
  const failing = {
    ...work,
    mint: async () => {
      throw new Error('no entropy');
    },
  };
  const error = await choose(failing, deviceWith({ '': scopedVariablesOf(1) })).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(ProvisioningError);
  expect(error).toMatchObject({ code: 'unexpected', step: 'mint' });
});
