import type { Fault } from './support/standInControl.js';
import { until } from './support/until.js';
import { useSystem } from './support/useSystem.js';

// Seconds in place of minutes. A held call to the hub is given up after the work limit, one to balena after half the grace.
const [workLimit, grace] = [4, 8];
const system = await useSystem({
  lockSeconds: workLimit + grace,
  settings: { WORK_LIMIT_SECONDS: String(workLimit), LEASE_GRACE_SECONDS: String(grace) },
});
const { balena, hub, queue, stack } = system;
const host = () => stack.hosts.at(-1)!;

async function killHost() {
  await host().kill();
  await Promise.all([hub.noFaults(), balena.noFaults()]);
}

async function expectProvisioned(uuid: string, place = 'main') {
  await system.state(uuid, 'provisioned');
  expect(Object.keys(await balena.variables(uuid))).toEqual([place]);
  expect(await system.credentials(uuid, place)).toMatchObject({
    subject: `CN=${uuid}`,
    matches: true,
    accepted: true,
  });
}

async function expectDeprovisioned(uuid: string) {
  await system.state(uuid, 'deprovisioned');
  expect(await balena.variables(uuid)).toEqual({});
  expect(await hub.thumbprints(uuid)).toBeNull();
}

describe('killed', () => {
  /** What is asked for, of a fresh device or of one that is provisioned at `main`, and how it ends. */
  const asks = {
    provision: { fresh: true, ask: (uuid: string) => system.post(uuid, 'main'), check: expectProvisioned },
    move: {
      fresh: false,
      ask: (uuid: string) => system.post(uuid, 'cloud-relay'),
      check: (uuid: string) => expectProvisioned(uuid, 'cloud-relay'),
    },
    deprovision: { fresh: false, ask: (uuid: string) => system.del(uuid), check: expectDeprovisioned },
  };
  type Ask = keyof typeof asks;
  type Side = 'hub' | 'balena';
  const [lost, unanswered] = [
    { hang: true, effect: 'none' } as const,
    { hang: true, effect: 'now' } as const,
  ];

  /** Requests that name the device, so that any number of them can be held at a time. */
  const naming: [string, Ask, Side, Fault][] = [
    ['while it looks the device up', 'provision', 'balena', { method: 'GET', ...lost }],
    ['before the hub has registered the thumbprint', 'provision', 'hub', { method: 'PUT', ...lost }],
    ['after the hub has registered the thumbprint', 'provision', 'hub', { method: 'PUT', ...unanswered }],
    ['while it looks up a device that moves', 'move', 'balena', { method: 'GET', ...lost }],
    ['while it looks up a device that goes', 'deprovision', 'balena', { method: 'GET', ...lost }],
    ['before the hub has removed the identity', 'deprovision', 'hub', { method: 'DELETE', ...lost }],
    ['after the hub has removed the identity', 'deprovision', 'hub', { method: 'DELETE', ...unanswered }],
  ];
  /** Requests that do not: held one after the other. */
  const writes: [string, Ask, Side, Fault][] = [
    ['before any variable is written', 'provision', 'balena', { times: 2, ...lost }],
    ['with one of the variables written', 'provision', 'balena', { times: 1, ...lost }],
    ['after both variables are written', 'provision', 'balena', { times: 2, ...unanswered }],
    ['before any variable is at the new service', 'move', 'balena', { times: 2, ...lost }],
    ['with one variable at the new service', 'move', 'balena', { times: 1, ...lost }],
  ].map(
    ([what, ask, side, fault]) =>
      [what, ask, side, { method: 'POST', ...(fault as Fault) }] as [string, Ask, Side, Fault],
  );
  const removals: [string, Ask, Side, Fault][] = [
    ['before the old service is cleaned', 'move', 'balena', { method: 'DELETE', times: 1, ...lost }],
    ['with the old service half cleaned', 'move', 'balena', { method: 'DELETE', times: 1, ...unanswered }],
    ['before any variable is removed', 'deprovision', 'balena', { method: 'DELETE', times: 1, ...lost }],
    ['with one variable removed', 'deprovision', 'balena', { method: 'DELETE', times: 1, ...unanswered }],
  ];
  const all = [...naming, ...writes, ...removals];
  const uuids = new Map<string, string>();

  /** Asks, and returns when the request is held. */
  async function hold([what, ask, side, fault]: (typeof all)[number], path: string): Promise<void> {
    const uuid = uuids.get(what) ?? '';
    const held = await { hub, balena }[side].fault({ ...fault, path: path || uuid });
    expect((await asks[ask].ask(uuid)).status).toBe(202);
    await held(fault.times ?? 1);
  }

  async function holdOneByOne(some: typeof all, path: string): Promise<void> {
    for (const each of some) {
      const before = await balenaWrites();
      await hold(each, path);
      // Those that go through must be through before the next fault is there to hit them.
      if (each[3].method === 'POST')
        await until('both are asked', async () => (await balenaWrites()) === before + 2);
    }
  }

  async function balenaWrites(): Promise<number> {
    const { counts } = await balena.asked();
    return Object.values(counts['POST /v7/device_service_environment_variable'] ?? {}).reduce(
      (a, b) => a + b,
      0,
    );
  }

  beforeAll(async () => {
    const prepared = all.map(async ([what, ask]) => {
      uuids.set(what, asks[ask].fresh ? await balena.newDevice() : await system.provisioned());
    });
    await Promise.all(prepared);
    await Promise.all([
      ...naming.map((each) => hold(each, '')),
      holdOneByOne([...writes, ...removals], '/device_service_environment_variable'),
    ]);
    const held = all.map(async ([what]) => [what, (await system.get(uuids.get(what) ?? '')).json.state]);
    expect(await Promise.all(held)).toEqual(all.map(([what]) => [what, 'working']));
    await killHost();
    await stack.startHost('all');
  }, 60_000);

  test.each(all)('%s, it is done by the next (%s)', async (what, ask) => {
    await asks[ask].check(uuids.get(what) ?? '');
  });

  test('it leaves nothing in the queue, and nothing was given up', async () => {
    await until('the queue is empty', async () => (await queue.messages()).length === 0);
    expect(await queue.deadLetters()).toEqual([]);
  });
});
