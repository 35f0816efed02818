import type { BalenaClient } from '../../../../src/balena/types.js';
import { noteStored, proveRight, store } from '../../../../src/provisioning/steps/store.js';
import type { Work } from '../../../../src/provisioning/steps/work.js';
import { ProvisioningError } from '../../../../src/shared/errors.js';
import {
  A,
  B,
  C,
  fakeWork,
  mintFor,
  scopedVariablesOf,
  scopedVariablesWith,
} from '../../../support/stepFakes.js';

const pair = await mintFor();
const { thumbprint, notBefore, notAfter, keyAlgorithm } = pair;
const found = { thumbprint, service: '', notBefore, notAfter, keyAlgorithm };

test('both variables are stored, and observed once balena has shown them', async () => {
  const { work, stored } = fakeWork();
  const changes = await store(work, scopedVariablesOf(1), pair, []);
  expect(changes).toMatchObject([
    { scope: '', name: 'AZURE_CERT', value: pair.certificate, replaced: null },
    { scope: '', name: 'AZURE_PRIVATE_KEY', value: pair.privateKey, replaced: null },
  ]);
  expect(work.observed).toMatchObject({ thumbprint: null });
  noteStored(work, pair);
  expect(stored).toEqual([
    { scope: '', name: 'AZURE_CERT', value: pair.certificate, existing: false },
    { scope: '', name: 'AZURE_PRIVATE_KEY', value: pair.privateKey, existing: false },
  ]);
  expect(work.observed).toMatchObject({ ...found, previous: null });
});

test('they are stored in parallel: the device restarts its service once for both', async () => {
  const { work } = fakeWork();
  let underWay = 0;
  let most = 0;
  const parallel = {
    ...work,
    balena: async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return undefined as never;
    },
  };
  await store(parallel, scopedVariablesOf(1), pair, []);
  expect(most).toBe(2);
});

describe('a pair of which one half could not be stored', () => {
  /** The device holds an earlier pair. The first calls for the key fail with these errors. */
  async function storeWith(...errors: ProvisioningError[]) {
    const { work, stored } = fakeWork();
    const earlier = await mintFor();
    const failing: Work = {
      ...work,
      balena: (step, call) =>
        work.balena(step, (balena) =>
          call({
            ...balena,
            async store(scope, variables, name, value) {
              const error = name === 'AZURE_PRIVATE_KEY' ? errors.shift() : undefined;
              if (error) throw error;
              await balena.store(scope, variables, name, value);
            },
          }),
        ),
    };
    const stores = store(failing, scopedVariablesWith(1, earlier), pair, [earlier.thumbprint]);
    const error = await stores.then(
      () => null,
      (thrown: ProvisioningError) => thrown.code,
    );
    return { error, earlier, values: stored.map(({ name, value }) => `${name} ${value}`) };
  }
  const unavailable = (outcomeUnknown = false) =>
    new ProvisioningError('balena-unavailable', '503', { outcomeUnknown });
  const whole = [`AZURE_CERT ${pair.certificate}`, `AZURE_PRIVATE_KEY ${pair.privateKey}`];

  test('is completed by the same run', async () => {
    expect(await storeWith(unavailable())).toMatchObject({ error: null, values: whole });
  });

  test('is taken back if the other half cannot be stored: the device keeps its earlier pair', async () => {
    const { error, earlier, values } = await storeWith(unavailable(), unavailable());
    expect(error).toBe('balena-unavailable');
    expect(values).toEqual([whole[0], `AZURE_CERT ${earlier.certificate}`]);
  });

  test('is not taken back if the other half may still arrive', async () => {
    const { error, values } = await storeWith(unavailable(true), unavailable(true));
    expect(error).toBe('balena-unavailable');
    expect(values).toEqual([whole[0]]);
  });
});

test('they belong to the desired service', async () => {
  const { work, stored } = fakeWork({ desired: { service: 'main' } });
  await store(work, scopedVariablesOf(2), pair, []);
  noteStored(work, pair);
  expect(stored.map(({ scope }) => scope)).toEqual(['main', 'main']);
  expect(work.observed.service).toBe('main');
});

test('an equal value is never written', async () => {
  const { work, calls } = fakeWork();
  expect(await store(work, scopedVariablesWith(1, pair), pair, [thumbprint])).toEqual([]);
  expect(calls).toEqual([]);
});

test('only the variable that differs is written, over the one that is there', async () => {
  const { work, stored } = fakeWork();
  await store(
    work,
    scopedVariablesOf(1, { AZURE_CERT: pair.certificate, AZURE_PRIVATE_KEY: 'other' }),
    pair,
    [],
  );
  expect(stored).toEqual([{ scope: '', name: 'AZURE_PRIVATE_KEY', value: pair.privateKey, existing: true }]);
});

test.each([
  ['the pair that it holds', [B], { thumbprint: A, previous: C }, B],
  ['the thumbprint observed last', [], { thumbprint: A, previous: C }, A],
  ['the one before, if nothing else is known', [], { thumbprint: null, previous: C }, C],
  ['the one before, if the last one is the new one', [], { thumbprint, previous: C }, C],
])('before the first write, %s is remembered as the previous one', async (_, held, observed, previous) => {
  const { work } = fakeWork({ observed, balenaFails: ['AZURE_CERT', 'AZURE_PRIVATE_KEY'] });
  await expect(store(work, scopedVariablesOf(1), pair, held)).rejects.toThrow('AZURE_CERT fails');
  expect(work.observed).toMatchObject({ previous, thumbprint: null });
});

test('half stored, the device holds nothing that is known, and both writes are over', async () => {
  const { work, stored } = fakeWork({ observed: { thumbprint: A }, balenaFails: ['AZURE_CERT'] });
  await expect(store(work, scopedVariablesOf(1), pair, [A])).rejects.toThrow('AZURE_CERT fails');
  expect(stored.map(({ name }) => name)).toEqual(['AZURE_PRIVATE_KEY']);
  expect(work.observed).toMatchObject({ thumbprint: null, previous: A });
});

test('a pair that was adopted takes the place of the one in the record', async () => {
  const { work } = fakeWork({ observed: { thumbprint: A, previous: C } });
  await store(work, scopedVariablesWith(1, pair), pair, [thumbprint]);
  noteStored(work, pair);
  expect(work.observed).toMatchObject({ thumbprint, previous: A });
});

describe('after a refused write', () => {
  const refused = { observed: { writeRefused: true } as const };
  const proven = async (
    options: Parameters<typeof fakeWork>[0],
    values: Parameters<typeof scopedVariablesOf>[1],
  ) => {
    const { work, stored, calls } = fakeWork(options);
    const variables = await proveRight(work, scopedVariablesOf(1, values), pair);
    return { work, stored, calls, variables };
  };

  test('the certificate is added first, and not stored again', async () => {
    const { work, stored, calls, variables } = await proven(refused, {});
    await store(work, variables, pair, []);
    expect(calls).toEqual(['add AZURE_CERT at ""', 'store AZURE_PRIVATE_KEY at ""']);
    expect(stored.map(({ value }) => value)).toEqual([pair.certificate, pair.privateKey]);
    expect(work.observed.writeRefused).toBeUndefined();
  });

  test('an existing certificate stays as it is until the hub accepts the new one', async () => {
    const { stored, calls, variables } = await proven(refused, {
      AZURE_CERT: 'held',
      AZURE_PRIVATE_KEY: 'key',
    });
    expect(calls).toEqual(['add AZURE_CERT at ""']);
    expect(stored).toEqual([]);
    expect(variables.variables.AZURE_CERT?.value).toBe('held');
  });

  test('an existing certificate that is removed at this moment comes back as it was', async () => {
    const { work } = fakeWork(refused);
    const values: string[] = [];
    const add: BalenaClient['add'] = async (_scope, _variables, _name, value) => {
      values.push(value);
      return { id: 7, value };
    };
    const removing: Work = { ...work, balena: (_step, call) => call({ add } as BalenaClient) };
    await proveRight(removing, scopedVariablesOf(1, { AZURE_CERT: 'held', AZURE_PRIVATE_KEY: 'key' }), pair);
    expect(values).toEqual(['held']);
  });

  test('a proof that is refused is remembered', async () => {
    const { work } = fakeWork({ ...refused, balenaFails: ['AZURE_CERT'] });
    await expect(proveRight(work, scopedVariablesOf(1), pair)).rejects.toThrow('AZURE_CERT fails');
    expect(work.observed.writeRefused).toBe(true);
  });

  test('nothing is proven if nothing has to be stored', async () => {
    const { calls } = await proven(refused, {
      AZURE_CERT: pair.certificate,
      AZURE_PRIVATE_KEY: pair.privateKey,
    });
    expect(calls).toEqual([]);
  });

  test('otherwise no proof is needed', async () => {
    const { calls } = await proven({}, {});
    expect(calls).toEqual([]);
  });
});
