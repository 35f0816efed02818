import type { OperatorDependencies } from '../../../src/ops/requests/dependencies.js';
import { requestDevice } from '../../../src/ops/requests/device.js';
import { planFleetRequest, requestFleetPart } from '../../../src/ops/requests/fleet.js';
import { fleet, fleetDependencies, uuidOf } from '../../support/fleetTools.js';

function dependencies() {
  const found = fleetDependencies();
  const deps = {
    ...found.deps,
    config: { defaultService: 'main' },
    rateLimiter: { nextFree: async () => 0, due: async () => 0 },
  } as unknown as OperatorDependencies;
  return { ...found, deps };
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
