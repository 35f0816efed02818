import { minter } from '../../src/certificates/mint.js';
import { waitFor } from '../support/waitFor.js';
import type { Fault } from './support/simulatorControl.js';
import { isPairAt, storedPair } from './support/storedPair.js';
import { useSystem } from './support/useSystem.js';

// Seconds instead of minutes. A held call to the hub times out after the work limit, a held call to balena after half the
// grace. All requests are held at the same time, and a slow machine needs seconds for that.
const [workLimit, grace] = [8, 16];
const system = await useSystem({
  lockSeconds: workLimit + grace,
  settings: { WORK_LIMIT_SECONDS: String(workLimit), LEASE_GRACE_SECONDS: String(grace) },
});
const { balena, hub, queue, stack } = system;

/** A request: the device, the operation and the final state. */
const asks = {
  provision: {
    device: () => balena.newDevice(),
    ask: (uuid: string) => system.post(uuid, 'main'),
    ends: expectProvisioned,
  },
  renew: {
    device: newDeviceWithOldPair,
    ask: (uuid: string) => system.post(uuid, 'main'),
    ends: expectProvisioned,
  },
  move: {
    device: () => system.provisioned('main'),
    ask: (uuid: string) => system.post(uuid, 'cloud-relay'),
    ends: (uuid: string) => expectProvisioned(uuid, 'cloud-relay'),
  },
  deprovision: {
    device: () => system.provisioned('main'),
    ask: (uuid: string) => system.del(uuid),
    ends: expectDeprovisioned,
  },
};
type Kill = [when: string, ask: keyof typeof asks, side: 'hub' | 'balena', held: Fault, ...more: Fault[]];
const [lost, unanswered] = [{ hang: true, effect: 'none' } as const, { hang: true, effect: 'now' } as const];

/** Each request is held at its device. There are 16 devices, as many as a host processes at a time. */
const kills: Kill[] = [
  ['while it looks the device up', 'provision', 'balena', { method: 'GET', ...lost }],
  ['before the hub has registered the thumbprint', 'provision', 'hub', { method: 'PUT', ...lost }],
  ['after the hub has registered the thumbprint', 'provision', 'hub', { method: 'PUT', ...unanswered }],
  ['before the hub has removed the identity', 'deprovision', 'hub', { method: 'DELETE', ...lost }],
  ['after the hub has removed the identity', 'deprovision', 'hub', { method: 'DELETE', ...unanswered }],
  ['before any variable is written', 'provision', 'balena', { method: 'POST', times: 2, ...lost }],
  ['with one of the variables written', 'provision', 'balena', { method: 'POST', times: 1, ...lost }],
  ['after both variables are written', 'provision', 'balena', { method: 'POST', times: 2, ...unanswered }],
  ['with only the second variable replaced', 'renew', 'balena', { method: 'PATCH', times: 1, ...lost }],
  [
    'with only the first variable replaced',
    'renew',
    'balena',
    { method: 'PATCH', times: 1, ...unanswered },
    { method: 'PATCH', times: 1, ...lost },
  ],
  ['after both variables are replaced', 'renew', 'balena', { method: 'PATCH', times: 2, ...unanswered }],
  ['with one variable at the new service', 'move', 'balena', { method: 'POST', times: 1, ...lost }],
  ['before the old service is cleaned', 'move', 'balena', { method: 'DELETE', times: 1, ...lost }],
  ['with the old service half cleaned', 'move', 'balena', { method: 'DELETE', times: 1, ...unanswered }],
  ['before any variable is removed', 'deprovision', 'balena', { method: 'DELETE', times: 1, ...lost }],
  ['with one variable removed', 'deprovision', 'balena', { method: 'DELETE', times: 1, ...unanswered }],
];
/** The requests that write variables before the kill: two for each of these devices. */
const writing = kills.filter(
  ([, ask, side, { method }]) => ask !== 'deprovision' && side === 'balena' && method !== 'GET',
);
const uuids = new Map<string, string>();
const uuidOf = ([when]: Kill) => uuids.get(when) ?? '';
/** The complete pairs of new credentials in balena at the moment of the kill, and whether the hub accepts each pair. */
const stored: { when: string; accepted: boolean }[] = [];

beforeAll(async () => {
  for (const [when, device] of await Promise.all(
    kills.map(async ([when, ask]) => [when, await asks[ask].device()] as const),
  ))
    uuids.set(when, device);

  const before = await writes();
  await Promise.all(kills.map(hold));
  // Requests that should pass must have passed before the kill.
  await waitFor(
    'all variables are written or held',
    async () => (await writes()) >= before + 2 * writing.length,
  );
  const states = kills.map(async (kill) => [kill[0], (await system.get(uuidOf(kill))).json.state]);
  expect(await Promise.all(states)).toEqual(kills.map(([when]) => [when, 'working']));
  await stack.hosts.at(-1)?.kill();

  for (const kill of kills) if (kill[1] !== 'deprovision') stored.push(...(await storedFor(kill)));
  await Promise.all([hub.noFaults(), balena.noFaults()]);
  await stack.startHost('all');
});

test.each(kills)('killed %s, it is done by the next (%s)', async (...kill) => {
  await asks[kill[1]].ends(uuidOf(kill));
});

test('whenever it is killed, a pair that is stored is one that the hub accepts already', () => {
  expect(stored.filter(({ accepted }) => !accepted)).toEqual([]);
  expect(stored.map(({ when }) => when)).toEqual(
    expect.arrayContaining(['after both variables are written', 'after both variables are replaced']),
  );
});

test('it leaves nothing in the queue, and nothing was given up', async () => {
  await waitFor('the queue is empty', async () => (await queue.messages()).length === 0);
  expect(await queue.deadLetters()).toEqual([]);
});

/** Sends a request, and returns when the faults hold the device. */
async function hold(kill: Kill): Promise<void> {
  const [, ask, side, ...faults] = kill;
  const uuid = uuidOf(kill);
  const waits: (() => Promise<unknown>)[] = [];
  for (const fault of faults) {
    const hits =
      side === 'hub'
        ? await hub.fault({ ...fault, path: uuid })
        : await balena.fault({ ...fault, subject: uuid });
    waits.push(() => hits(fault.times ?? 1));
  }
  expect((await asks[ask].ask(uuid)).status).toBe(202);
  await Promise.all(waits.map((wait) => wait()));
}

/** How many variables balena was asked to write. */
async function writes(): Promise<number> {
  const { requests } = await balena.requested();
  return requests.filter(({ method }) => method === 'POST' || method === 'PATCH').length;
}

/** Due for renewal: nearly a year old. */
async function newDeviceWithOldPair(): Promise<string> {
  const uuid = await balena.newDevice();
  const { certificate, privateKey } = await minter()(uuid, Date.now() - 360 * 24 * 3_600_000);
  await balena.setVariables(uuid, 'main', { AZURE_CERT: certificate, AZURE_PRIVATE_KEY: privateKey });
  return uuid;
}

async function storedFor(kill: Kill): Promise<typeof stored> {
  const variables = await balena.variables(uuidOf(kill));
  const thumbprints = (await hub.thumbprints(uuidOf(kill))) ?? [];
  const pairs = Object.keys(variables).filter((place) => isPairAt(variables, place));
  return pairs
    .map((place) => storedPair(variables, place))
    .filter(({ matches }) => matches)
    .map(({ thumbprint }) => ({ when: kill[0], accepted: thumbprints.includes(thumbprint) }));
}

async function expectProvisioned(uuid: string, place = 'main'): Promise<void> {
  const { certificate } = await system.state(uuid, 'provisioned');
  expect(Object.keys(await balena.variables(uuid))).toEqual([place]);
  const pair = await system.credentials(uuid, place);
  expect(pair).toMatchObject({ subject: `CN=${uuid}`, matches: true, accepted: true });
  expect(certificate?.thumbprint).toBe(pair.thumbprint);
  expect(Date.parse(certificate?.notAfter ?? '')).toBeGreaterThan(Date.now() + 300 * 24 * 3_600_000);
}

async function expectDeprovisioned(uuid: string): Promise<void> {
  await system.state(uuid, 'deprovisioned');
  expect(await balena.variables(uuid)).toEqual({});
  expect(await hub.thumbprints(uuid)).toBeNull();
}
