import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';
import { without } from './support/without.js';

const system = await useSystem();
const { balena, hub } = system;

/** Reads the line of health for each dependency. */
async function health() {
  const { status, text } = await system.health();
  const lines = text.trimEnd().split('\n');
  const notOk = lines.filter((line) => line.includes('NOT OK'));
  return { status, names: lines.map((line) => line.split(':')[0]), notOk };
}

test('when all is well, health has a line for each dependency', async () => {
  await system.provisioned();
  expect(await health()).toEqual({
    status: 200,
    names: ['configuration', 'queue', 'records', 'worker', 'timers', 'balena', 'hub'],
    notOk: [],
  });
});

test.each([
  ['records', 'tables', 'records-unavailable'],
  ['queue', 'serviceBus', 'queue-unavailable'],
] as const)(
  'while the %s cannot be reached a request gets a 503, and a repeated request is provisioned',
  async (line, name, code) => {
    const uuid = await balena.newDevice();
    const [requested, undone, seen] = await without(system.stack, name, () =>
      Promise.all([system.post(uuid, 'main'), system.del('0'.repeat(32)), health()]),
    );
    for (const answer of [requested, undone]) {
      expect({ status: answer.status, code: answer.json.code }).toEqual({ status: 503, code });
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(answer.json.detail).toMatch(/The request may be lost: repeat the request/);
    }
    expect(seen.status).toBe(503);
    expect(seen.notOk.some((text) => text.startsWith(`${line}:`))).toBe(true);

    // The send that was answered with 503 may have happened: the device is then provisioned (409) before the request is repeated.
    await waitFor('it is accepted', async () =>
      [202, 409].includes((await system.post(uuid, 'main')).status),
    );
    await system.state(uuid, 'provisioned');
    expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
    expect((await health()).status).toBe(200);
  },
);

test.each([
  ['hub', hub, { method: 'PUT', status: 401 }, 'hub-unauthorized'],
  ['balena', balena, { method: 'GET', status: 401 }, 'balena-unauthorized'],
] as const)(
  'when our credentials for %s are refused, health says so, until it accepts them again',
  async (line, side, fault, code) => {
    const refused = await balena.newDevice();
    await side.fault(fault);
    await system.post(refused, 'main');
    const seen = await waitFor('health sees it', async () => {
      const now = await health();
      return now.status === 503 && now;
    });
    expect(seen.notOk).toEqual([expect.stringMatching(new RegExp(`^${line}: NOT OK, ${code} since `))]);
    // The device is not at fault, so its request continues.
    expect((await system.state(refused, 'retrying')).error?.code).toBe(code);

    await side.noFaults();
    const next = await balena.newDevice();
    await system.post(next, 'main');
    await system.state(next, 'provisioned');
    expect((await health()).status).toBe(200);
  },
);
