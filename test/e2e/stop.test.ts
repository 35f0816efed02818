import { join } from 'node:path';
import type { BrokerEndpoints } from '../../local/simulators/servicebus/startBroker.js';
import { forkSimulator } from '../../local/stack/forkSimulator.js';
import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

const system = await useSystem({
  // Half of the work limit is the limit of a call to the hub, and half of the grace the limit of a call to balena.
  lockSeconds: 20,
  settings: { WORK_LIMIT_SECONDS: '10', LEASE_GRACE_SECONDS: '10' },
});
/** Requests are held until `noFaults`, or for this time, ms: shorter than the limits of calls. */
const heldMs = 4_500;
const { balena, hub, queue, stack } = system;
const host = () => stack.hosts.at(-1)!;
let broker = stack.simulators.serviceBus!;
/** Asked for while the queue was away; see the first test and the last. */
const unsent = await balena.newDevice();

const isWorkedOff = (...uuids: string[]) =>
  waitFor('the queue is empty', async () =>
    (await queue.messages()).every(({ body }) => !uuids.includes(body?.uuid)),
  );

/** The broker after a power cut: all acknowledged messages are kept. */
async function restartBroker() {
  const { port } = broker.endpoints;
  broker = await forkSimulator<BrokerEndpoints>({
    name: 'service bus',
    entry: 'local/simulators/servicebus/main.js',
    args: ['--folder', join(system.folder, 'servicebus'), '--port', String(port), '--credits', '0'],
    env: process.env,
    onLine: () => {},
  });
}

afterEach(() => broker.process.kill('SIGCONT'));
afterAll(() => broker.stop());

test('killed between the record and the message, it has promised nothing', async () => {
  broker.process.kill('SIGSTOP');
  const promised = system.post(unsent, 'main').then(
    ({ status }) => status,
    () => 'no answer',
  );
  await system.state(unsent, 'queued');
  await host().kill();
  broker.process.kill('SIGCONT');

  // A slow machine kills the host after the host has given up.
  expect(['no answer', 503]).toContain(await promised);
  await stack.startHost('all');
  expect((await system.get(unsent)).json.state).toBe('queued');
});

test('killed right after a 202, it is done by the next', async () => {
  await host().stop();
  await stack.startHost('http');
  const uuid = await balena.newDevice();
  expect((await system.post(uuid, 'main')).status).toBe(202);
  await host().kill();

  await stack.startHost('all');
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
});

test('killed before it could settle its messages, it has done nothing twice', async () => {
  const [good, bad] = [await balena.newDevice(), await balena.newDevice()];
  await Promise.all([hub.forget(), balena.forget()]);
  const atHub = await hub.fault({ method: 'PUT', path: good, delayMs: heldMs });
  const atBalena = await balena.fault({ method: 'GET', path: bad, delayMs: heldMs });
  await Promise.all([system.post(good, 'main'), system.post(bad, 'mian')]);
  await Promise.all([atHub(1), atBalena(1)]);
  await broker.kill();
  await Promise.all([hub.noFaults(), balena.noFaults()]);
  await Promise.all([system.state(good, 'provisioned'), system.state(bad, 'failed')]);
  await host().kill();
  await restartBroker();
  const before = await system.credentials(good);

  await stack.startHost('all');
  await isWorkedOff(good, bad);
  expect((await system.get(good)).json.state).toBe('provisioned');
  expect((await system.get(bad)).json.state).toBe('failed');
  expect(await system.credentials(good)).toMatchObject({
    thumbprint: before.thumbprint,
    matches: true,
    accepted: true,
  });
  expect((await hub.requested()).counts['PUT /devices/{id}']).toEqual({ 200: 1 });
  expect((await balena.requested()).counts['GET /v7/device']).toEqual({ 200: 2 });
  const deadLetters = await queue.deadLetters(bad);
  expect(deadLetters.map(({ deadLetterReason }) => deadLetterReason)).toEqual(['service-not-found']);
  // The message was delivered once more than the queue allows.
  expect(deadLetters[0]?.deliveryCount).toBe(1);
});

test('asked to stop, it finishes what runs, leaves nothing running, and nothing is delivered again', async () => {
  const uuid = await balena.newDevice();
  await Promise.all([hub.forget(), balena.forget()]);
  const held = await hub.fault({ method: 'PUT', path: uuid, delayMs: heldMs });
  await system.post(uuid, 'main');
  await held(1);
  const stopped = host();
  const hasStopped = stopped.stop();
  await hub.noFaults();
  await hasStopped;
  expect(stopped.process).toMatchObject({ exitCode: 0, signalCode: null });
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
  await isWorkedOff(uuid);

  await stack.startHost('all');
  expect((await system.get(uuid)).json.state).toBe('provisioned');
  expect((await hub.requested()).counts['PUT /devices/{id}']).toEqual({ 200: 1 });
  expect((await balena.requested()).counts['GET /v7/device']).toEqual({ 200: 1 });
});

test('what was recorded without its message is sent when the device asks again, half a minute later', async () => {
  await waitFor(`${unsent} is provisioned`, async () => {
    const { text } = await system.post(unsent, 'main');
    return text.startsWith('DeviceAlreadyExistsError');
  });
  expect(await system.credentials(unsent)).toMatchObject({ matches: true, accepted: true });
});
