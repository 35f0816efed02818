import { createServer } from 'node:http';
import { listen } from '../../../local/simulators/shared/loopback.js';
import type { FleetListing, ListedDevice } from '../../../src/balena/listing.js';
import type { BalenaClient, BalenaDevice, Variable, VariableName } from '../../../src/balena/types.js';
import { minter } from '../../../src/certificates/mint.js';
import { sweep } from '../../../src/fleet/sweep.js';
import { Unauthorized } from '../../../src/http/errors.js';
import { openProof } from '../../../src/http/proof/deviceProof.js';
import { accept } from '../../../src/provisioning/accept.js';
import { requestCheck } from '../../../src/provisioning/check.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import { rememberSent } from '../../../src/queue/publish.js';
import { deviceWith, scopedVariablesOf } from '../../support/stepFakes.js';
import { workerDependencies } from '../../support/workerTools.js';

/*
 * One malicious device of the fleet against one honest device, for a day in virtual time, in each of the three ways of SECURITY.md, and with
 * DEVICE_PROOF=accepted while only the honest device sends its proof. The malicious device has the key of the fleet, and an API key of its own.
 */

type Way = 'open' | 'accepted' | 'proof' | 'closed';
const ways: Way[] = ['open', 'accepted', 'proof', 'closed'];

const start = 1_800_000_000_000;
const minute = 60_000;
const hour = 60 * minute;
const played = 12 * hour;
const stepMs = minute;
const fleet = 'my_org/one';
const victim = 'ab'.repeat(16);
const attacker = 'cd'.repeat(16);

const owners: Record<string, string> = { 'victim-key': victim, 'attacker-key': attacker };

const server = createServer((request, response) => {
  const uuid = owners[String(request.headers.authorization).slice('Bearer '.length)];
  response.writeHead(uuid ? 200 : 401, { 'content-type': 'application/json' });
  response.end(uuid && JSON.stringify({ actorType: 'device', uuid }));
});
const apiUrl = `http://127.0.0.1:${await listen(server, 0)}/`;
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** The honest device in balena. Its container belongs to the service "main". */
function balenaWithVictim() {
  const device: BalenaDevice = deviceWith({
    '': scopedVariablesOf(1),
    main: scopedVariablesOf(2),
    other: scopedVariablesOf(3),
  });
  let rows = 100;
  const at = (scope: string) => device.scopes.get(scope)!.variables;
  const write = (scope: string, name: VariableName, value: string): Variable => {
    rows += 1;
    const row = { id: at(scope)[name]?.id ?? rows, value };
    at(scope)[name] = row;
    return row;
  };
  const pairIn = (scope: string) => {
    const { AZURE_CERT: cert, AZURE_PRIVATE_KEY: key } = at(scope);
    return cert && key ? cert.value : null;
  };
  const client: BalenaClient = {
    findDevice: async () => structuredClone(device),
    seesFleet: async () => true,
    add: async (scope, _, name, value) => (at(scope)[name] ? null : write(scope, name, value)),
    store: async (scope, _, name, value) => void write(scope, name, value),
    async remove(scope, { id }) {
      for (const [name, row] of Object.entries(at(scope)) as [VariableName, Variable][])
        if (row.id === id) delete at(scope)[name];
    },
    ping: async () => {},
  };
  let lists = 0;
  const listing: FleetListing = {
    async list() {
      lists += 1;
      const certificates = new Map<string, string>();
      for (const scope of device.scopes.keys()) {
        const found = pairIn(scope);
        if (found !== null) certificates.set(scope, found);
      }
      return [{ uuid: victim, fleet, certificates, foreignCertificates: [] } satisfies ListedDevice];
    },
    fleetsOf: async (uuids) => new Map(uuids.map((uuid) => [uuid, fleet])),
    servicesOf: async () => [...device.scopes.keys()].filter((scope) => scope !== ''),
    listWithout: async (service) => (device.scopes.has(service) ? [] : [victim]),
  };
  return {
    balena: { ...client, ...listing },
    /** The certificate that the container of the device sees, if its key is there, too. */
    seen: () => pairIn('main') ?? pairIn(''),
    lists: () => lists,
  };
}

/** A request of the malicious device for the honest device. */
interface Attack {
  /** The request always arrives before a worker has handled the last request of the honest device. */
  winsRaces?: boolean;
  everyMs: number;
  service: string;
}

interface Outcome {
  /** The time for which the device had no credentials, after it first had them, in hours. */
  outHours: number;
  /** The time from the registration to the first credentials, in seconds. */
  firstSeconds: number;
  /** The accepted requests of the malicious device. */
  accepted: number;
  /** The number of certificates that the device held. */
  certificates: number;
  records: string[];
  listsPerMinute: number;
}

/** Plays some hours. @param days the lifetime of a certificate */
async function play(way: Way, attack: Attack | null, days = 100, forMs = played): Promise<Outcome> {
  const { deps, clock, sent, record, delivery, table } = workerDependencies(start);
  const accepting = { sentRecently: rememberSent(clock, 600_000) };
  const { balena, seen, lists } = balenaWithVictim();
  const all = {
    ...deps,
    ...accepting,
    balena,
    mint: minter({ days }),
    settings: { ...deps.settings, renewAt: 0.5 },
  };
  const prove = openProof({
    mode: way === 'open' ? 'off' : way === 'accepted' ? 'accepted' : 'required',
    apiUrl,
    balena,
    fleets: [fleet],
    checksPerSecond: 20,
    // The machine may be busy, and virtual time does not wait for the server.
    callTimeoutMs: 60_000,
    clock: { ...clock, now: clock.now, sleep: async () => {} },
  });
  const sendsProof = way === 'proof' || way === 'accepted';
  /** POST /api/provision. @returns whether the request was accepted */
  const post = async (uuid: string, service: string, authorization: string | null) => {
    try {
      const isProved = await prove(uuid, authorization);
      return (await accept(all, { uuid, present: true, service }, isProved)).kind === 'accepted';
    } catch (error) {
      if (error instanceof Unauthorized) return false;
      throw error;
    }
  };

  const result: Outcome = {
    outHours: 0,
    firstSeconds: Number.NaN,
    accepted: 0,
    certificates: 0,
    records: [],
    listsPerMinute: 0,
  };
  const certificates = new Set<string>();
  let taken = 0;
  const waiting: { message: (typeof sent)[number]; sequenceNumber: number }[] = [];
  /** The worker handles what is due. */
  const work = async () => {
    for (; taken < sent.length; taken += 1) waiting.push({ message: sent[taken]!, sequenceNumber: taken });
    for (const one of waiting.filter(({ message }) => message.at <= clock.at)) {
      waiting.splice(waiting.indexOf(one), 1);
      await processMessage(all, one.message, delivery({ sequenceNumber: String(one.sequenceNumber) }));
    }
  };
  for (; clock.at < start + forMs; clock.at += stepMs) {
    const since = clock.at - start;
    // Cloud Relay sends a request only while its variables are missing, once a minute at the end of its back-off.
    if (seen() === null) await post(victim, 'main', sendsProof ? 'Bearer victim-key' : null);
    if (!attack?.winsRaces) await work();
    if (attack && since % attack.everyMs === 0 && since > 0)
      for (const authorization of [null, 'Bearer attacker-key', `Bearer junk-${since}`])
        if (await post(victim, attack.service, authorization)) result.accepted += 1;
    if (way === 'closed') await sweep(all, { fleets: [fleet], service: 'main' });
    if (since % (6 * hour) === 0) await requestCheck(all, victim);
    await work();
    const certificate = seen();
    if (certificate !== null) certificates.add(certificate);
    if (certificate !== null && Number.isNaN(result.firstSeconds)) result.firstSeconds = since / 1_000;
    if (certificate === null && certificates.size > 0) result.outHours += stepMs / hour;
  }
  result.certificates = certificates.size;
  result.listsPerMinute = lists() / (forMs / minute);
  expect((await record(victim)).desired.present).toBe(true);
  for await (const each of table.list()) result.records.push(each.uuid);
  return result;
}

test.each(ways)(
  '%s: requests for a service that does not exist, every ten minutes, keep nobody out',
  async (way) => {
    const { outHours, firstSeconds, accepted, records } = await play(way, {
      everyMs: 10 * minute,
      service: 'missing',
    });
    expect({ outHours, firstSeconds, records }).toEqual({
      outHours: 0,
      firstSeconds: 0,
      records: [victim],
    });
    if (way === 'proof' || way === 'closed') expect(accepted).toBe(0);
  },
);

test.each(ways)('%s: a renewal takes place in spite of requests every ten minutes', async (way) => {
  const { outHours, certificates } = await play(
    way,
    { everyMs: 10 * minute, service: 'missing' },
    1,
    24 * hour,
  );
  expect({ outHours, certificates }).toEqual({ outHours: 0, certificates: 2 });
});

test.each([
  ['open', [5, 7]],
  ['accepted', [0, 0]],
  ['proof', [0, 0]],
  ['closed', [0, 0]],
] as const)(
  '%s: requests for another service of the device, every minute, keep it out for %j of 12 hours',
  async (way, [least, most]) => {
    const { outHours, accepted } = await play(way, { everyMs: minute, service: 'other' });
    expect(outHours).toBeGreaterThanOrEqual(least);
    expect(outHours).toBeLessThanOrEqual(most);
    if (way === 'proof' || way === 'closed') expect(accepted).toBe(0);
  },
);

test('open: a sender that wins each race against the worker keeps the device out all the time', async () => {
  const attack = { everyMs: minute, service: 'other', winsRaces: true };
  expect((await play('open', attack, 100, 2 * hour)).outHours).toBeGreaterThan(1.9);
  expect((await play('proof', attack, 100, 2 * hour)).outHours).toBe(0);
});

test('accepted: requests without a proof delay no device that proves its identity', async () => {
  for (const service of ['other', 'missing']) {
    const attack = { everyMs: minute, service, winsRaces: true };
    expect(await play('accepted', attack, 100, 2 * hour)).toMatchObject({ outHours: 0, firstSeconds: 0 });
  }
});

test('closed: one request to balena for each sweep of an idle fleet', async () => {
  expect((await play('closed', null)).listsPerMinute).toBe(1);
});
