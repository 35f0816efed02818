import { randomUUID } from 'node:crypto';
import { waitFor } from '../support/waitFor.js';
import { useSystem } from './support/useSystem.js';

// The quick tries for a device that balena does not have yet take some seconds, and not a minute.
const system = await useSystem({ settings: { LONGEST_BACK_OFF_SECONDS: '2' } });
const { balena, hub, queue } = system;

describe.each([
  ['for a service', 'main'],
  ['at the device level', ''],
])('credentials %s', (_, scope) => {
  test('open the hub to a device, and are gone from everywhere when it is deprovisioned', async () => {
    const uuid = await balena.newDevice();

    const requested = await system.post(uuid, scope);
    expect(requested.status).toBe(202);
    expect(requested.headers.get('location')).toBe(`/api/provision/${uuid}`);
    expect(Number(requested.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(requested.json).toEqual({
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      uuid,
      operation: 'provision',
      state: 'queued',
      expectedAt: expect.stringMatching(/^\d{4}-/),
      message: expect.stringContaining('not yet provisioned'),
    });

    const record = await system.state(uuid, 'provisioned');
    const pair = await system.credentials(uuid, scope);
    expect(pair).toMatchObject({ matches: true, accepted: true, subject: `CN=${uuid}` });
    expect(Object.keys(await balena.variables(uuid))).toEqual([scope]);
    expect(record).toMatchObject({
      requestId: requested.json.requestId,
      service: scope,
      error: null,
      certificate: { thumbprint: pair.thumbprint, keyAlgorithm: 'ec-p256' },
    });

    const device = await system.connect(uuid, pair);
    await device.send({ temperature: 21.5 });
    const [telemetry] = await waitFor('telemetry arrives', async () => {
      const all = await hub.telemetry(uuid);
      return all.length > 0 && all;
    });
    expect(telemetry?.body).toEqual({ temperature: 21.5 });
    await device.close();

    const undone = await system.del(uuid);
    expect(undone.status).toBe(202);
    expect(undone.json).toMatchObject({ operation: 'deprovision', state: 'queued' });
    await system.state(uuid, 'deprovisioned');
    expect(await balena.variables(uuid)).toEqual({});
    expect(await hub.thumbprints(uuid)).toBeNull();
    await expect(system.connect(uuid, pair)).rejects.toThrow();
  });
});

test('a fresh device costs one registry operation and three requests to balena', async () => {
  const uuid = await balena.newDevice();
  await Promise.all([hub.forget(), balena.forget()]);
  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');

  expect((await hub.requested()).counts).toEqual({ 'PUT /devices/{id}': { 200: 1 } });
  expect((await balena.requested()).counts).toEqual({
    'GET /v7/device': { 200: 1 },
    'POST /v7/device_service_environment_variable': { 201: 2 },
  });
});

test('credentials go to the service of the fleet, and not to the service of the host OS with the same name', async () => {
  const uuid = await system.provisioned('main');
  expect(Object.keys(await balena.variables(uuid))).toEqual(['main']);
  expect(await balena.hostOsVariables(uuid)).toEqual({});
});

test('a service that only the supervisor has is not a service of the device', async () => {
  const uuid = await balena.newDevice();
  await system.post(uuid, 'balena-supervisor');
  const { error } = await system.state(uuid, 'failed');
  expect(error).toMatchObject({ code: 'service-not-found' });
  expect(error?.message).toMatch(/services are cloud-relay, main\.$/);
});

test('credentials in the service of the host OS are removed when a worker works on the device', async () => {
  const left = { AZURE_CERT: null as string | null, AZURE_PRIVATE_KEY: 'left' };
  const uuid = await balena.newDevice();
  await balena.setHostOsVariables(uuid, left);
  await system.post(uuid, 'main');
  await system.state(uuid, 'provisioned');
  expect(await balena.hostOsVariables(uuid)).toEqual({});
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });

  await balena.setHostOsVariables(uuid, { ...(await balena.variables(uuid)).main });
  await system.del(uuid);
  await system.state(uuid, 'deprovisioned');
  expect(await balena.hostOsVariables(uuid)).toEqual({});
});

test('a service that the device does not have fails the request, and writes nothing anywhere', async () => {
  const uuid = await balena.newDevice();
  await Promise.all([hub.forget(), balena.forget()]);
  const { json: requested } = await system.post(uuid, 'mian');
  const record = await system.state(uuid, 'failed');

  expect(record.error).toMatchObject({ code: 'service-not-found', step: 'validate' });
  expect((await hub.requested()).total).toBe(0);
  expect((await balena.requested()).counts).toEqual({ 'GET /v7/device': { 200: 1 } });
  expect(await balena.variables(uuid)).toEqual({});
  expect(await hub.thumbprints(uuid)).toBeNull();

  const [deadLetter] = await waitFor('the dead letter', async () => {
    const deadLetters = await queue.deadLetters(uuid);
    return deadLetters.length > 0 && deadLetters;
  });
  expect(deadLetter?.deadLetterReason).toBe('service-not-found');
  expect(deadLetter?.deadLetterErrorDescription).toMatch(/step validate.*"mian".*cloud-relay, main/);
  expect(deadLetter?.body).toMatchObject({ uuid, requestId: requested.requestId });

  const again = await system.post(uuid, 'mian');
  expect(again.status).toBe(422);
  expect(again.headers.get('content-type')).toBe('application/problem+json');
  expect(Number(again.headers.get('retry-after'))).toBeGreaterThan(120);
  expect(again.json).toMatchObject({
    status: 422,
    code: 'service-not-found',
    requestId: requested.requestId,
  });
  expect(await queue.deadLetters(uuid)).toHaveLength(1);
});

test('the right service may be asked for at once after a wrong one failed', async () => {
  const uuid = await balena.newDevice();
  await system.post(uuid, 'mian');
  await system.state(uuid, 'failed');
  expect((await system.post(uuid, 'main')).status).toBe(202);
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid)).toMatchObject({ matches: true, accepted: true });
});

test('a request for a service that does not exist changes nothing for a provisioned device', async () => {
  const uuid = await system.provisioned('main');
  const before = await system.credentials(uuid);
  const requested = await system.post(uuid, 'later');
  expect(requested.status).toBe(202);
  const refusal = await waitFor('the refusal', async () => (await system.get(uuid)).json.refusal);
  expect(refusal).toMatchObject({
    requestId: requested.json.requestId,
    service: 'later',
    error: { code: 'service-not-found', step: 'validate' },
  });
  expect((await system.get(uuid)).json).toMatchObject({ state: 'provisioned', service: 'main', error: null });
  expect(await system.credentials(uuid)).toEqual(before);
  expect((await system.post(uuid, 'later')).json).toMatchObject({
    code: 'service-not-found',
    requestId: requested.json.requestId,
  });
  const [deadLetter, ...others] = await waitFor('the dead letter', async () => {
    const found = await queue.deadLetters(uuid);
    return found.length > 0 && found;
  });
  expect(deadLetter?.deadLetterReason).toBe('service-not-found');
  expect(others).toEqual([]);
  const { deadLetters } = await system.ops.freshDeadLetters({ uuid });
  expect(deadLetters).toMatchObject([{ status: 'failed', code: 'service-not-found', service: 'later' }]);

  // A release with the service comes, and an operator replays: the device moves.
  await balena.addService('later');
  const { id } = await system.ops.plan({ kind: 'replay', filter: { uuid } });
  await system.ops.start(id);
  await waitFor('the move', async () => (await system.get(uuid)).json.service === 'later');
  await system.state(uuid, 'provisioned');
  expect(await system.credentials(uuid, 'later')).toMatchObject({ matches: true, accepted: true });
  expect((await system.get(uuid)).json.refusal).toBeNull();
});

test('a device whose installs come late is provisioned, and no request fails', async () => {
  await balena.installsCome(3_600_000);
  const uuid = await balena.newDevice();
  await system.post(uuid, 'main');
  await system.state(uuid, 'retrying');
  expect((await system.post(uuid, 'main')).status).toBe(202);
  await balena.installsCome(0);
  await system.state(uuid, 'provisioned');
  expect(await queue.deadLetters(uuid)).toEqual([]);
});

test('a device that balena does not know fails the request, and gets no identity', async () => {
  const uuid = randomUUID().replaceAll('-', '');
  await balena.forget();
  await system.post(uuid, 'main');
  const record = await system.state(uuid, 'failed');
  expect(record.error?.code).toBe('device-not-found');
  expect(await hub.thumbprints(uuid)).toBeNull();
  // The second request asks whether our key sees any fleet. The answer is remembered for a minute.
  const { counts } = await balena.requested();
  expect(counts).toMatchObject({ 'GET /v7/device': { 200: 1 } });
  expect(Object.values(counts).flatMap(Object.values).length).toBeLessThanOrEqual(2);
  expect(await queue.deadLetters(uuid)).toEqual([]);
});

test('no key is in what is printed, answered or dead-lettered', async () => {
  const { functions, balena: atBalena, iotHub } = system.stack.endpoints;
  const uuid = await balena.newDevice();
  const answers = [
    await system.call('POST', `/api/provision?code=${functions.provisionKey}`, {
      body: { uuid, balena_service: 'main' },
    }),
  ];
  await system.state(uuid, 'provisioned');
  answers.push(await system.get(uuid), await system.post(uuid, 'main'), await system.post(uuid, 'mian'));
  await waitFor('the refusal', async () => (await system.get(uuid)).json.refusal);
  // A rejected write: the error of the SDK contains the private key of the request.
  const refused = await balena.newDevice();
  await balena.fault({ method: 'POST', status: 400, times: 2 });
  await system.post(refused, 'main');
  await system.state(refused, 'failed');
  answers.push(await system.get(refused), await system.post(refused, 'main'));
  const [deadLetter] = await waitFor('the dead letter', async () => {
    const deadLetters = await queue.deadLetters(refused);
    return deadLetters.length > 0 && deadLetters;
  });

  const said = [
    ...system.lines,
    ...answers.map(({ text }) => text),
    JSON.stringify([deadLetter?.body, deadLetter?.applicationProperties]),
  ].join('\n');
  const stored = (await balena.variables(uuid)).main?.AZURE_PRIVATE_KEY ?? 'not stored';
  const base64 = Buffer.from('-----BEGIN PRIVATE KEY').toString('base64').slice(0, 28);
  const hubKey = /SharedAccessKey=(.*)$/.exec(iotHub?.connectionString ?? '')?.[1] ?? '';
  for (const secret of [
    stored,
    base64,
    'PRIVATE KEY-',
    hubKey,
    atBalena?.apiKey ?? '',
    functions.provisionKey,
  ]) {
    expect(secret.length).toBeGreaterThan(8);
    expect(said.includes(secret)).toBe(false);
  }
  expect(stored.startsWith(base64)).toBe(true);
});
