import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';
import { without } from './support/without.js';

const system = await useSystem();
const { balena, hub } = system;

/** Reads the line of health for each dependency. */
async function health() {
  const { status, text } = await system.health();
  const [first = '', ...lines] = text.trimEnd().split('\n');
  const notOk = lines.filter((line) => line.includes('NOT OK'));
  return { status, first, names: lines.map((line) => line.split(':')[0]), notOk };
}

test('when all is well, health has a line for each dependency', async () => {
  await system.provisioned();
  expect(await health()).toEqual({
    status: 200,
    first: expect.stringMatching(/^(Healthy|Catching up): /),
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

describe('one line says the truth, in health, page and CLI', () => {
  /** Waits for a state of the system, and compares the line of health with the line of page and CLI. */
  async function line(state: string, words: RegExp) {
    const overview = await waitFor(`the system is ${state}`, async () => {
      const now = await system.ops.overview();
      if (now.status.state === state && words.test(now.status.sentence)) return now;
      throw new Error(now.status.sentence);
    });
    // Health counts messages, and page and CLI count devices. The cause is the same.
    const cause = overview.status.incidents[0]?.what.replace(/\d+/g, 'n');
    const { first, status } = await health();
    expect(first.replace(/\d+/g, 'n')).toContain(cause);
    expect(status).toBe(503);
    return overview;
  }
  const throttle = (body: object) => hub.tell('PUT /throttle', body);

  test('a hub that is smaller than IOTHUB_UNITS, and then refuses nearly all; then a revoked key', async () => {
    await Promise.all((await balena.newDevices(40)).map((uuid) => system.post(uuid, 'main')));
    await throttle({ perMinute: 60, burst: 5, backlog: 0, waitSeconds: 1 });
    await Promise.all((await balena.newDevices(20)).map((uuid) => system.post(uuid, 'main')));
    const smaller = await line('throttled', /Does IOTHUB_UNITS match the hub\?/);
    expect(smaller.status.incidents[0]?.what).toMatch(
      /lets (few|fewer than 1|\d+) operations? .*refuses \d+ a minute\. The settings allow 50000 a minute\./,
    );
    // The rate of the settings says "done in a second".
    expect(Date.parse(smaller.status.backlog.doneAt ?? '9999')).toBeGreaterThan(
      Date.parse(smaller.at) + 2_000,
    );

    await throttle({ unthrottled: true });
    await hub.fault({ method: 'PUT', status: 429, headers: { 'Retry-After': '1' } });
    await line('throttled', /IoT Hub throttles/);

    await balena.fault({ method: 'GET', status: 401 });
    await balena.newDevice().then((uuid) => system.post(uuid, 'main'));
    const { status, rateLimiter } = await line('stopped', /^Stopped: balena rejects our API key\. Since /);
    expect(status.sentence).toMatch(/nothing is finished until the cause is gone.*#credentials-refused/);
    expect([status.backlog.doneAt, rateLimiter.backlogDoneAt]).toEqual([null, null]);
    await Promise.all([balena.noFaults(), hub.noFaults()]);
  });
});
