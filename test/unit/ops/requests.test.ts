import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { cleanUpActions } from '../../../src/ops/bulk/cleanUp.js';
import { listActions } from '../../../src/ops/bulk/read.js';
import { openActions } from '../../../src/ops/bulk/repository.js';
import { resendLostWakeUps } from '../../../src/ops/bulk/wakeUp.js';
import type { OperatorDependencies } from '../../../src/ops/requests/dependencies.js';
import { requestDevice } from '../../../src/ops/requests/device.js';
import { planFleetRequest, requestFleetPart } from '../../../src/ops/requests/fleet.js';
import { fleet, fleetDependencies, uuidOf } from '../../support/fleetTools.js';
import { memoryTable } from '../../support/memoryTable.js';

function dependencies() {
  const found = fleetDependencies();
  const opsTable = memoryTable<unknown>();
  const actions = openActions(opsTable);
  const deps = {
    ...found.deps,
    actions,
    config: { defaultService: 'main' },
    rateLimiter: { nextFree: async () => 0, due: async () => 0 },
  } as unknown as OperatorDependencies;
  /** The audit, as operators see the audit. */
  const audit = async () => (await listActions({ ...deps, operationsPerMinute: 100 })).actions;
  return { ...found, deps, audit, opsTable };
}
const [one, two] = [1, 2].map(uuidOf) as [string, string];

describe('one device', () => {
  test('is requested at the default service, as by the CLI, and a repeated request changes nothing', async () => {
    const { deps, sent, record } = dependencies();
    const first = await requestDevice(deps, { operation: 'provision', uuid: one });
    expect(first).toMatchObject({
      outcome: 'accepted',
      device: { uuid: one, service: 'main', state: 'queued' },
    });
    const again = await requestDevice(deps, { operation: 'provision', uuid: one });
    expect(again.device.requestId).toBe(first.device.requestId);
    expect(sent).toHaveLength(1);
    expect((await record(one)).desired).toMatchObject({ present: true, service: 'main' });
  });

  test('is deprovisioned', async () => {
    const { deps, record } = dependencies();
    await requestDevice(deps, { operation: 'provision', uuid: one, service: 'main' });
    const { device } = await requestDevice(deps, { operation: 'deprovision', uuid: one });
    expect(device).toMatchObject({ operation: 'deprovision', service: null });
    expect((await record(one)).desired.present).toBe(false);
  });

  test.each<[object, RegExp]>([
    [{ operation: 'provision', uuid: 'abc' }, /"uuid" is wrong: must be a full balena device UUID/],
    [
      { operation: 'remove', uuid: one },
      /"operation" cannot be "remove"\. Known values: provision, deprovision/,
    ],
    [
      { operation: 'provision', uuid: one, service: 'a b' },
      /"service" is wrong: must be the name of a service/,
    ],
    [{ operation: 'deprovision', uuid: one, service: 'main' }, /A deprovisioning has no service/],
    [{ operation: 'provision', uuid: one, force: true }, /has no field force/],
  ])('%j is refused by name', async (body, message) => {
    const { deps, sent } = dependencies();
    await expect(requestDevice(deps, body as never)).rejects.toMatchObject({
      code: 'ops.bad-request',
      message: expect.stringMatching(message),
    });
    expect(sent).toEqual([]);
  });
});

describe('a fleet', () => {
  test('is counted first, and nothing is changed', async () => {
    const { deps, add, sent } = dependencies();
    for (const uuid of [one, two]) add(uuid);
    await requestDevice(deps, { operation: 'provision', uuid: two, service: 'other' });
    expect(await planFleetRequest(deps, { fleet })).toEqual({
      ...{ fleet, service: 'main', devices: 1, atOtherService: 1, otherServices: { other: 1 }, lacking: 0 },
    });
    expect(sent).toHaveLength(1);
    await expect(planFleetRequest(deps, { fleet, service: 'mian' })).rejects.toMatchObject({
      code: 'ops.no-such-service',
      message: expect.stringContaining('it has main, sensor'),
    });
  });

  test('is requested part by part, by the rules of the CLI', async () => {
    const { deps, add, sent } = dependencies();
    for (let index = 1; index <= 250; index += 1) add(uuidOf(index));
    const first = await requestFleetPart(deps, { fleet, by: 'Ada' });
    expect(first).toMatchObject({ devices: 200, requested: 200, next: uuidOf(200) });
    const rest = await requestFleetPart(deps, { fleet, after: first.next });
    expect(rest).toMatchObject({ devices: 50, requested: 50, next: null });
    // A part that is requested twice changes nothing the second time.
    expect(await requestFleetPart(deps, { fleet, after: first.next })).toMatchObject({ devices: 50 });
    expect(sent).toHaveLength(250);
  });

  test.each<[object, string]>([
    [{ fleet: 'pumps' }, 'must be the slug of a fleet, such as my_org/my_fleet'],
    [{ fleet, after: 'x' }, 'must be "next" of the previous answer'],
    [{}, 'fleet'],
  ])('%j is refused by name', async (body, message) => {
    const { deps } = dependencies();
    await expect(requestFleetPart(deps, body)).rejects.toMatchObject({
      code: 'ops.bad-request',
      message: expect.stringContaining(message),
    });
  });
});

describe('the audit', () => {
  test('has each request for a device, with operator, device, service and answer', async () => {
    const { deps, audit } = dependencies();
    await requestDevice(deps, { operation: 'provision', uuid: one, service: 'sensor', by: 'Ada' });
    await requestDevice(deps, { operation: 'deprovision', uuid: one });
    // Both requests have the same time, so their order is open.
    const rows = await audit();
    expect(rows).toHaveLength(2);
    expect(rows.find(({ kind }) => kind === 'provision')).toMatchObject({
      ...{ by: 'Ada', startedBy: 'Ada', filter: { uuid: one }, service: 'sensor' },
      ...{ answer: 'accepted', note: null },
    });
    expect(rows.find(({ kind }) => kind === 'deprovision')).toMatchObject({
      ...{ startedBy: 'an operator with the ops key', service: null, answer: 'accepted' },
    });
  });

  test('says why a request was refused', async () => {
    const { deps, audit, record } = dependencies();
    await requestDevice(deps, { operation: 'provision', uuid: one, by: 'Ada' });
    const now = deps.clock.now();
    await deps.records.amend(one, (found) => ({
      ...found!,
      job: { ...found!.job!, dead: { at: now } },
      error: { code: 'service-not-found', step: 'validate', message: 'No such service.', at: now },
      coolDownUntil: now + 60_000,
    }));
    expect((await record(one)).job?.dead).toBeDefined();
    await expect(requestDevice(deps, { operation: 'provision', uuid: one, by: 'Ben' })).rejects.toMatchObject(
      {
        code: 'ops.failed-before',
      },
    );
    expect((await audit())[0]).toMatchObject({
      ...{ by: 'Ben', answer: 'refused (ops.failed-before)' },
      note: expect.stringContaining('No such service.'),
    });
  });

  test('has a request whose answer is not known, and no request is made without a row', async () => {
    const { deps, audit, queue, sent, opsTable } = dependencies();
    queue.fails = true;
    await expect(requestDevice(deps, { operation: 'provision', uuid: one })).rejects.toThrow();
    expect((await audit())[0]).toMatchObject({
      answer: 'not known (queue-unavailable)',
      note: expect.stringContaining('The request may be accepted all the same.'),
    });
    queue.fails = false;
    opsTable.fails = true;
    await expect(requestDevice(deps, { operation: 'provision', uuid: two })).rejects.toMatchObject({
      code: 'records-unavailable',
    });
    expect(sent).toEqual([]);
  });

  test('has the row before the request is made: a process that is killed leaves a row', async () => {
    const { deps, audit } = dependencies();
    let before: unknown;
    const { queue } = deps;
    deps.queue = {
      ...queue,
      async send(...sent) {
        before = await audit();
        return queue.send(...sent);
      },
    };
    await requestDevice(deps, { operation: 'provision', uuid: one, by: 'Ada' });
    expect(before).toMatchObject([{ kind: 'provision', by: 'Ada', answer: 'not known' }]);
  });

  test('has one row for all parts of a fleet, and another operator cannot write into the row', async () => {
    const { deps, add, audit } = dependencies();
    for (let index = 1; index <= 250; index += 1) add(uuidOf(index));
    const first = await requestFleetPart(deps, { fleet, by: 'Ada' });
    expect(await audit()).toMatchObject([
      { answer: 'requested 200 of the first 200', note: 'The rest of the fleet was not requested.' },
    ]);
    const { action, next: after } = first;
    await requestFleetPart(deps, { fleet, after, action, by: 'Ada' });
    expect(await audit()).toMatchObject([
      {
        ...{ kind: 'fleet', by: 'Ada', filter: { fleet }, service: 'main', byFleet: { [fleet]: 250 } },
        ...{ answer: 'requested 250 of 250', note: null, counts: { planned: 250 } },
      },
    ]);
    await requestFleetPart(deps, { fleet, action, by: 'Ben' });
    expect((await audit()).map(({ by }) => by)).toEqual(['Ben', 'Ada']);
  });

  test('keeps a request for 90 days. No worker carries the request on, and nobody can cancel the request', async () => {
    const { deps, audit, clock } = dependencies();
    await requestDevice(deps, { operation: 'provision', uuid: one });
    const id = (await audit())[0]?.id ?? '';
    await expect(cancelAction(deps, id, {})).rejects.toMatchObject({ code: 'ops.has-ended' });
    clock.at += 89 * 86_400_000;
    await cleanUpActions(deps);
    expect([await resendLostWakeUps(deps), (await audit()).length]).toEqual([0, 1]);
    clock.at += 2 * 86_400_000;
    await cleanUpActions(deps);
    expect(await audit()).toEqual([]);
  });
});
