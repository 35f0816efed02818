import { cleanUpActions } from '../../../../src/ops/bulk/cleanUp.js';
import { listActions, readAction } from '../../../../src/ops/bulk/read.js';
import { openActions } from '../../../../src/ops/bulk/repository.js';
import { startAction } from '../../../../src/ops/bulk/start.js';
import { ProvisioningError } from '../../../../src/shared/errors.js';
import { useFailedDevices } from './support/useFailedDevices.js';

const { withFailed, tables } = await useFailedDevices();
const hours = 3_600_000;

test('a plan is valid for a day, and is removed afterwards with its set; a started action is kept', async () => {
  const { deps, clock, planned, started } = await withFailed(200);
  const old = await planned();
  const kept = await started();
  clock.at += 24 * hours + 1;
  await expect(startAction(deps, old.id)).rejects.toMatchObject({ code: 'ops.plan-too-old' });
  await cleanUpActions(deps);
  expect(await deps.actions.read(old.id)).not.toBeNull();
  clock.at += 1 * hours;
  await cleanUpActions(deps);
  expect(await deps.actions.read(old.id)).toBeNull();
  expect(await deps.actions.items(old.id, 0, 200)).toEqual([]);
  expect(await deps.actions.items(kept, 0, 200)).toHaveLength(200);
  expect((await listActions(deps)).actions.map(({ id }) => id)).toEqual([kept]);
});

describe('after the death of a process', () => {
  /** A table whose calls fail after a number of successful calls. */
  function dying(calls: { put?: number; remove?: number }) {
    const table = tables.newTable<unknown>();
    const left = {
      put: calls.put ?? Number.POSITIVE_INFINITY,
      remove: calls.remove ?? Number.POSITIVE_INFINITY,
    };
    const live = (call: keyof typeof left) => {
      left[call] -= 1;
      if (left[call] < 0) throw new ProvisioningError('records-unavailable', 'Dead.');
    };
    const actions = openActions({
      ...table,
      async put(...row) {
        live('put');
        return table.put(...row);
      },
      async remove(key) {
        live('remove');
        return table.remove(key);
      },
    });
    const rows = async () => {
      let count = 0;
      for await (const _ of table.list()) count += 1;
      return count;
    };
    return { actions, whole: openActions(table), rows };
  }

  test('an incomplete plan is not listed, and is removed after an hour with the rest of its set', async () => {
    const { deps, clock, planned } = await withFailed(200);
    const { actions, whole, rows } = dying({ put: 2 });
    deps.actions = actions;
    await expect(planned()).rejects.toMatchObject({ code: 'records-unavailable' });
    expect(await rows()).toBeGreaterThan(1);
    expect(await whole.list()).toEqual([]);
    const [{ id } = { id: '' }] = await whole.list(true);
    deps.actions = whole;
    await expect(startAction(deps, id)).rejects.toMatchObject({ status: 404 });
    await cleanUpActions(deps);
    expect(await rows()).toBeGreaterThan(1);
    clock.at += 1 * hours + 1;
    await cleanUpActions(deps);
    expect(await rows()).toBe(0);
  });

  test('an incompletely removed plan is removed', async () => {
    const { deps, clock, planned } = await withFailed(200);
    const { actions, whole, rows } = dying({ remove: 1 });
    deps.actions = actions;
    await planned();
    clock.at += 25 * hours + 1;
    await expect(cleanUpActions(deps)).rejects.toMatchObject({ code: 'records-unavailable' });
    expect(await rows()).toBeGreaterThan(0);
    await cleanUpActions({ ...deps, actions: whole });
    expect(await rows()).toBe(0);
  });
});

test('the set of an action that finished a day ago is removed, once; the action stays', async () => {
  const { deps, clock, work, started } = await withFailed(3);
  const id = await started({}, { kind: 'discard', reason: 'scrapped' });
  await work();
  const done = await readAction(deps, id);
  clock.at += 24 * hours;
  await cleanUpActions(deps);
  expect(await deps.actions.items(id, 0, 3)).toHaveLength(3);
  clock.at += 1;
  await cleanUpActions(deps);
  expect(await deps.actions.items(id, 0, 3)).toEqual([]);
  const { stamp } = (await deps.actions.read(id))!.value;
  await cleanUpActions(deps);
  expect((await deps.actions.read(id))?.value.stamp).toBe(stamp);
  expect(await readAction(deps, id)).toEqual(done);
  expect((await listActions(deps)).actions).toEqual([done]);
});
