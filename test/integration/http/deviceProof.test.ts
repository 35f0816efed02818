import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { jest } from '@jest/globals';
import fc from 'fast-check';
import { listen } from '../../../local/simulators/shared/loopback.js';
import { mostUuids } from '../../../src/balena/listing.js';
import { openProof, type ProofMode } from '../../../src/http/proof/deviceProof.js';
import { ProvisioningError } from '../../../src/shared/errors.js';

const uuid = 'ab'.repeat(16);
const other = 'cd'.repeat(16);
const key = 'device-key';
const bearer = (given: string) => `Bearer ${given}`;

/** The owner of each key, in the words of balena's whoami. */
const actors: Record<string, object> = {
  [key]: { id: 1, actorType: 'device', actorTypeId: 1, uuid },
  'other-device-key': { id: 2, actorType: 'device', actorTypeId: 2, uuid: other },
  'user-key': { id: 3, actorType: 'user', actorTypeId: 3, username: uuid, email: uuid, uuid },
  'fleet-key': { id: 4, actorType: 'application', actorTypeId: 4, slug: uuid, uuid },
  'key-of-nothing': { actorType: 'device' },
  'key-of-a-number': { actorType: 'device', uuid: 7 },
};

let requested: { path: string; authorization: string }[] = [];
const byKey = (request: IncomingMessage, response: ServerResponse) => {
  const actor = actors[String(request.headers.authorization).slice('Bearer '.length)];
  response.writeHead(actor ? 200 : 401, { 'content-type': 'application/json' });
  response.end(actor && JSON.stringify(actor));
};
let handle = byKey;
const server = createServer((request, response) => {
  requested.push({ path: request.url ?? '', authorization: request.headers.authorization ?? '' });
  handle(request, response);
});
const apiUrl = `http://127.0.0.1:${await listen(server, 0)}/`;
beforeEach(() => {
  requested = [];
  handle = byKey;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** The fleets of the devices that our own key sees. */
const seen: Record<string, string> = { [uuid]: 'my_org/one', [other]: 'my_org/two' };

function proofWith(mode: ProofMode, fleets: string[] | null = null, callTimeoutMs = 30_000) {
  let now = 1_000_000;
  let sleeping: { until: number; wake: () => void }[] = [];
  const clock = {
    now: () => now,
    sleep: (ms: number) =>
      ms <= 0
        ? Promise.resolve()
        : new Promise<void>((wake) => void sleeping.push({ until: now + ms, wake })),
  };
  let lookUps = 0;
  let isOurKeyThrottled = false;
  const fleetsOf = async (uuids: readonly string[]) => {
    lookUps += 1;
    if (isOurKeyThrottled)
      throw new ProvisioningError('balena-throttled', 'balena is throttling us (429).', {
        retryAfterMs: 30_000,
      });
    expect(uuids.length).toBeLessThanOrEqual(mostUuids);
    return new Map(uuids.filter((each) => seen[each] !== undefined).map((each) => [each, seen[each]!]));
  };
  return {
    lookUps: () => lookUps,
    throttleOurKey: (isThrottled: boolean) => {
      isOurKeyThrottled = isThrottled;
    },
    prove: openProof({
      mode,
      apiUrl,
      balena: { fleetsOf },
      fleets,
      checksPerSecond: 20,
      clock,
      callTimeoutMs,
    }),
    pass: (ms: number) => {
      now += ms;
      const due = sleeping.filter(({ until }) => until <= now);
      sleeping = sleeping.filter(({ until }) => until > now);
      for (const { wake } of due) wake();
    },
  };
}
/** Lets everything happen that needs no time. The server of this test answers meanwhile. */
async function settled() {
  for (let turns = 0; turns < 20; turns += 1) await setImmediate();
}
const missing = { name: 'Unauthorized', code: 'provision.proof-missing' };
const notServed = { name: 'Unauthorized', code: 'provision.fleet-not-served', status: 403 };
const wrong = { name: 'Unauthorized', code: 'provision.proof-wrong' };

describe('off', () => {
  test('nothing is asked of anyone', async () => {
    const { prove } = proofWith('off');
    await prove(uuid, null);
    await prove(uuid, bearer('bogus'));
    expect(requested).toEqual([]);
  });
});

describe('accepted', () => {
  test('who sends no proof passes; who sends a wrong one does not', async () => {
    const { prove } = proofWith('accepted');
    await prove(uuid, null);
    expect(requested).toEqual([]);
    await prove(uuid, bearer(key));
    await expect(prove(uuid, bearer('other-device-key'))).rejects.toMatchObject(wrong);
    await expect(prove(uuid, 'Basic abc')).rejects.toMatchObject(wrong);
  });
});

describe.each(['off', 'accepted'] as const)('a request that always needs the proof, with %s', (mode) => {
  test('is refused without the proof, and with the proof of another device', async () => {
    const { prove } = proofWith(mode);
    await expect(prove(uuid, null, 'always')).rejects.toMatchObject(missing);
    await expect(prove(uuid, bearer('other-device-key'), 'always')).rejects.toMatchObject(wrong);
    expect(await prove(uuid, bearer(key), 'always')).toBe(true);
  });
});

describe('required', () => {
  test("the device's own key passes, and balena is asked whose it is", async () => {
    await proofWith('required').prove(uuid, bearer(key));
    expect(requested).toEqual([{ path: '/actor/v1/whoami', authorization: bearer(key) }]);
  });

  test('who sends no proof is told what to send', async () => {
    await expect(proofWith('required').prove(uuid, null)).rejects.toMatchObject(missing);
    expect(requested).toEqual([]);
  });

  test.each([
    ["another device's key", 'other-device-key'],
    ["a user's key", 'user-key'],
    ["a fleet's key", 'fleet-key'],
    ['a key that balena does not know', 'bogus'],
    ['a key of a device without uuid', 'key-of-nothing'],
    ['a key of a device whose uuid is no text', 'key-of-a-number'],
  ])('%s is refused', async (_, given) => {
    await expect(proofWith('required').prove(uuid, bearer(given))).rejects.toMatchObject(wrong);
    expect(requested).toHaveLength(1);
  });

  test.each([
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${key} ${key}`,
    `Basic ${key}`,
    key,
    'Bearer a,b',
    'Bearer \u00fc',
    `Bearer ${'k'.repeat(257)}`,
  ])('the header %j is refused without asking balena', async (header) => {
    await expect(proofWith('required').prove(uuid, header)).rejects.toMatchObject(
      header === '' ? missing : wrong,
    );
    expect(requested).toEqual([]);
  });
});

describe('while balena does not say whose key it is, nobody passes', () => {
  const answers: [string, typeof handle][] = [
    ['is down (500)', (_, response) => response.writeHead(500).end('{}')],
    ['throttles (429)', (_, response) => response.writeHead(429, { 'retry-after': '7' }).end()],
    ['is unknown there (404)', (_, response) => response.writeHead(404).end()],
    ['never answers', () => {}],
    ['breaks the connection', (request) => request.socket.destroy()],
    ['answers with a page', (_, response) => response.end('<html>')],
    ['answers null', (_, response) => response.end('null')],
    [
      'redirects to nowhere',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
    ],
  ];
  test.each(answers)('when it %s', async (_, answer) => {
    handle = answer;
    const { prove, pass } = proofWith('required', null, 1_000);
    await expect(prove(uuid, bearer(key))).rejects.toMatchObject({
      code: expect.stringMatching(/^balena-(unavailable|throttled)$/),
    });
    handle = byKey;
    pass(7_000);
    await prove(uuid, bearer(key));
  });
});

describe('balena is asked once a minute', () => {
  test('however often a device asks', async () => {
    const { prove, pass } = proofWith('required');
    for (let asks = 0; asks < 20; asks += 1) await prove(uuid, bearer(key));
    expect(requested).toHaveLength(1);
    pass(59_000);
    await prove(uuid, bearer(key));
    expect(requested).toHaveLength(1);
    pass(1_000);
    await prove(uuid, bearer(key));
    expect(requested).toHaveLength(2);
  });

  test('also when it asks many times at once', async () => {
    const { prove } = proofWith('required');
    await Promise.all(Array.from({ length: 20 }, () => prove(uuid, bearer(key))));
    expect(requested).toHaveLength(1);
  });

  test('for each device and key: what was proved for one is worth nothing for another', async () => {
    const { prove } = proofWith('required');
    await prove(uuid, bearer(key));
    await expect(prove(other, bearer(key))).rejects.toMatchObject(wrong);
    await expect(prove(uuid, bearer('other-device-key'))).rejects.toMatchObject(wrong);
    await prove(other, bearer('other-device-key'));
    expect(requested).toHaveLength(4);
  });

  test('a key that is revoked, or whose device is deleted, is good for a minute more at most', async () => {
    const { prove, pass } = proofWith('required');
    await prove(uuid, bearer(key));
    handle = (_, response) => response.writeHead(401).end();
    await prove(uuid, bearer(key));
    pass(60_000);
    await expect(prove(uuid, bearer(key))).rejects.toMatchObject(wrong);
    await expect(prove(uuid, bearer(key))).rejects.toMatchObject(wrong);
  });

  test('a refusal is remembered for a minute, and for this key only', async () => {
    const { prove, pass } = proofWith('required');
    handle = (_, response) => response.writeHead(401).end();
    for (let asks = 0; asks < 20; asks += 1)
      await expect(prove(uuid, bearer('bogus'))).rejects.toMatchObject(wrong);
    expect(requested).toHaveLength(1);
    handle = byKey;
    await prove(uuid, bearer(key));
    pass(60_000);
    await expect(prove(uuid, bearer('bogus'))).rejects.toMatchObject(wrong);
    expect(requested).toHaveLength(3);
  });
});

describe('only devices of served fleets pass', () => {
  test.each([
    ['a served fleet', ['my_org/one', 'my_org/three'], true],
    ['another fleet', ['my_org/two'], false],
    ['any fleet that our key sees, without FLEETS', null, true],
  ])('a device of %s', async (_, fleets, passes) => {
    const { prove } = proofWith('required', fleets);
    const result = expect(prove(uuid, bearer(key)));
    await (passes ? result.resolves.toBe(true) : result.rejects.toMatchObject(notServed));
  });

  test('a device that our key does not see is refused, and balena is asked once a minute', async () => {
    actors.stranger = { actorType: 'device', uuid: 'ef'.repeat(16) };
    const { prove, lookUps } = proofWith('required');
    for (let asks = 0; asks < 5; asks += 1)
      await expect(prove('ef'.repeat(16), bearer('stranger'))).rejects.toMatchObject(notServed);
    expect([requested.length, lookUps()]).toEqual([0, 1]);
  });
});

describe('invented proofs', () => {
  /** balena throttles all requests of a sender that sends more than this number a second. */
  const tolerated = 100;
  const unknown = (second: number, at: number) => `${second}e${at}`.padStart(32, '0');

  /** Devices whose UUIDs the sender knows. */
  const ofFleet = (at: number) => `5e${at}`.padEnd(32, 'a');
  for (let at = 0; at < 100; at += 1) seen[ofFleet(at)] = 'my_org/one';

  /** 200 invented proofs a second for 20 seconds. A device that was never seen requests in each of the last ten seconds. */
  async function flood(uuidOf: (second: number, at: number) => string) {
    let inSecond = 0;
    const counts = { throttled: 0, refused: 0, busy: 0, most: 0 };
    const { prove, pass, lookUps } = proofWith('required');
    handle = (request, response) => {
      inSecond += 1;
      counts.most = Math.max(counts.most, inSecond);
      if (inSecond <= tolerated) return byKey(request, response);
      counts.throttled += 1;
      response.writeHead(429, { 'retry-after': '60' }).end();
    };
    await prove(uuid, bearer(key));
    const junk: Promise<unknown>[] = [];
    const passed: number[] = [];
    const failed: unknown[] = [];
    for (let second = 0; second < 20; second += 1) {
      inSecond = 0;
      for (let at = 0; at < 200; at += 1)
        junk.push(
          prove(uuidOf(second, at), bearer(`junk-${second}-${at}`)).catch(({ code }: { code: string }) => {
            counts[code === 'balena-throttled' ? 'busy' : 'refused'] += 1;
          }),
        );
      const fresh = `ac${second}`.padEnd(32, '0');
      actors[`fresh-${second}`] = { actorType: 'device', uuid: fresh };
      seen[fresh] = 'my_org/one';
      if (second >= 10)
        junk.push(
          prove(fresh, bearer(`fresh-${second}`)).then(
            () => passed.push(second),
            (error: unknown) => failed.push(error),
          ),
        );
      for (let ms = 0; ms < 1_000; ms += 50) {
        await settled();
        pass(50);
      }
      await prove(uuid, bearer(key));
    }
    for (let ms = 0; ms < 4_000; ms += 50) {
      if (ms % 1_000 === 0) inSecond = 0;
      await settled();
      pass(50);
    }
    await Promise.all(junk);
    expect(failed).toEqual([]);
    expect(counts.refused + counts.busy).toBe(20 * 200);
    return { ...counts, passed: passed.length, lookUps: lookUps() };
  }

  test.each([
    ['UUIDs', unknown],
    ['API keys for one device', () => other],
    ['API keys for 100 devices of the fleet', (_: number, at: number) => ofFleet(at % 100)],
  ])('of many %s neither make balena throttle us, nor keep a new device out', async (_, uuidOf) => {
    const { throttled, most, passed, lookUps } = await flood(uuidOf);
    expect({ throttled, passed }).toEqual({ throttled: 0, passed: 10 });
    expect(most).toBeLessThanOrEqual(42);
    expect(lookUps).toBeLessThanOrEqual(2 * 25 + 20);
  });

  test('do not delay a device that has proved its identity within the last day', async () => {
    const { prove, pass } = proofWith('required');
    await prove(uuid, bearer(key));
    pass(60_000);
    const junk = Array.from({ length: 1_000 }, (_, at) =>
      prove(unknown(1, at), bearer(`junk-${at}`)).catch(() => {}),
    );
    // No time passes, so the device does not wait behind any of the invented proofs.
    expect(await prove(uuid, bearer(key))).toBe(true);
    for (let ms = 0; ms < 10_000; ms += 500) {
      await settled();
      pass(500);
    }
    await Promise.all(junk);
  });

  const throttled = (response: ServerResponse, seconds: number) =>
    void response.writeHead(429, { 'retry-after': String(seconds) }).end();

  test('a 429 to the key of one device stops the checks of this key, and of no other', async () => {
    const { prove, pass } = proofWith('required');
    handle = (request, response) =>
      request.headers.authorization === bearer(key) ? throttled(response, 30) : byKey(request, response);
    for (let asked = 0; asked < 20; asked += 1)
      for (const each of [uuid, other])
        await expect(prove(each, bearer(key))).rejects.toMatchObject({ code: 'balena-throttled' });
    await prove(other, bearer('other-device-key'));
    expect(requested).toHaveLength(2);
    handle = byKey;
    pass(30_000);
    await prove(uuid, bearer(key));
  });

  test('a 429 to five different keys in a row stops all checks for as long as balena says, and the answer says the same', async () => {
    const { prove, pass } = proofWith('required');
    handle = (_, response) => throttled(response, 30);
    for (let at = 0; at < 5; at += 1)
      await expect(prove(uuid, bearer(`key-${at}`))).rejects.toMatchObject({ retryAfterMs: 30_000 });
    handle = byKey;
    pass(10_000);
    await expect(prove(other, bearer('other-device-key'))).rejects.toMatchObject({
      code: 'balena-throttled',
      retryAfterMs: 20_000,
    });
    expect(requested).toHaveLength(5);
    pass(20_000);
    await prove(other, bearer('other-device-key'));
  });

  test('a 429 to our own key stops all checks', async () => {
    const { prove, pass, throttleOurKey } = proofWith('required');
    throttleOurKey(true);
    await expect(prove(uuid, bearer(key))).rejects.toMatchObject({ retryAfterMs: 30_000 });
    throttleOurKey(false);
    await expect(prove(other, bearer('other-device-key'))).rejects.toMatchObject({
      code: 'balena-throttled',
    });
    pass(30_000);
    await prove(other, bearer('other-device-key'));
  });
});

test('whatever the header is, only the key of the device passes, and every other header is refused', async () => {
  const { prove, pass } = proofWith('required');
  const words = fc.constantFrom(
    'Bearer ',
    'bearer',
    ' ',
    key,
    'other-device-key',
    'user-key',
    '\t',
    ',',
    '=',
    '%00',
    '\n',
    'é',
  );
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(words, { maxLength: 6 }).map((all) => all.join('')),
  );
  await fc.assert(
    fc.asyncProperty(header, async (given) => {
      pass(1_000);
      const passed = await prove(uuid, given).then(
        () => true,
        (error: { name: string; code: string }) => {
          expect(error).toMatchObject({
            name: 'Unauthorized',
            code: expect.stringMatching(/^provision\.proof-/),
          });
          return false;
        },
      );
      expect(passed).toBe(/^bearer device-key$/i.test(given));
    }),
    { numRuns: 500, examples: [[bearer(key)], [`BEARER ${key}`], [`${bearer(key)}\n`]] },
  );
});

test('the key is kept nowhere: neither in what is remembered nor in what is thrown', async () => {
  const set = jest.spyOn(Map.prototype, 'set');
  await proofWith('required').prove(uuid, bearer(key));
  const kept = set.mock.calls.flat();
  set.mockRestore();
  const remembered = createHash('sha256').update(`${uuid} ${key}`).digest('base64');
  expect(kept).toContain(remembered);
  expect(inspect(kept)).not.toContain(key);

  for (const answer of [byKey, (_: unknown, response: ServerResponse) => response.writeHead(500).end()]) {
    handle = answer;
    const thrown = await proofWith('required')
      .prove(other, bearer(key))
      .catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(Error);
    expect(inspect(thrown, { depth: 10, showHidden: true })).not.toContain(key);
  }
});
