import { randomUUID } from 'node:crypto';
import { Validator } from '@seriousme/openapi-schema-validator';
import { waitFor } from '../support/waitFor.js';
import { openApiCheck } from './support/openApiCheck.js';
import { type CallOptions, untilStatus } from './support/provisionApi.js';
import { useSystem } from './support/useSystem.js';

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const system = await useSystem({ settings: { WEBHOOK_SECRETS: secret } });
const { balena } = system;
const { provisionKey, deprovisionKey, opsKey } = system.stack.endpoints.functions;
const { json: description } = await system.call('GET', '/api/openapi.json');
const api = openApiCheck(description);

/**
 * Compares a call with its description.
 *
 * @param template of the path, if different from the path
 */
async function call(method: string, path: string, options: CallOptions = {}, template = path.split('?')[0]!) {
  const answer = await system.call(method, path, options);
  api.compare(`${method} ${template}`, answer);
  return answer;
}
const ops = (method: string, path: string, body?: unknown, template?: string) =>
  call(method, `/api/ops/${path}`, { key: opsKey, body }, template && `/api/ops/${template}`);
const provision = (body: unknown, headers = {}) =>
  call('POST', '/api/provision', { key: provisionKey, body, headers });

test('the description is one of OpenAPI 3.1', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(description));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

test('answers about devices are as described', async () => {
  const uuid = await balena.newDevice();
  const body = { uuid, balena_service: 'main' };
  expect((await provision(body)).status).toBe(202);
  // The device may be provisioned already.
  expect([202, 409]).toContain((await provision(body)).status);
  await system.state(uuid, 'provisioned');
  await untilStatus(409, () => provision(body));
  await untilStatus(409, () => provision(body, { accept: 'application/json' }));
  expect((await provision({ uuid, balena_service: 'cloud-relay' })).status).toBe(202);
  await system.state(uuid, 'provisioned');
  expect((await provision(body)).json.code).toBe('service-conflict');
  expect((await provision('{')).status).toBe(400);
  expect((await provision({ uuid: 'a'.repeat(20_000) })).status).toBe(413);
  expect((await call('POST', '/api/provision', { body })).status).toBe(401);

  const byPath = [`/api/provision/${uuid}`, '/api/provision/{uuid}'] as const;
  expect((await call('GET', byPath[0], { key: provisionKey }, byPath[1])).status).toBe(200);
  const unknown = randomUUID().replaceAll('-', '');
  expect((await call('GET', `/api/provision/${unknown}`, { key: provisionKey }, byPath[1])).status).toBe(404);
  expect((await call('GET', '/api/provision/nonsense', { key: provisionKey }, byPath[1])).status).toBe(400);
  expect((await call('DELETE', byPath[0], { key: deprovisionKey }, byPath[1])).status).toBe(202);
  expect((await call('DELETE', '/api/provision', { key: deprovisionKey, body: { uuid } })).status).toBe(202);
  expect((await call('DELETE', '/api/provision', { key: deprovisionKey })).status).toBe(400);

  const lost = await balena.newDevice();
  await provision({ uuid: lost, balena_service: 'mian' });
  await system.state(lost, 'failed');
  expect((await provision({ uuid: lost, balena_service: 'mian' })).status).toBe(422);
  expect((await call('GET', '/api/health', { key: opsKey })).status).toBe(200);
  expect((await call('HEAD', '/api/health', { key: opsKey })).status).toBe(200);
});

test('answers to webhooks are as described', async () => {
  const uuid = await balena.newDevice();
  const headers = { authorization: `Bearer ${secret}` };
  expect(
    (await call('POST', '/api/webhook', { body: { type: 'created', data: { uuid } }, headers })).status,
  ).toBe(202);
  expect((await call('POST', '/api/webhook', { body: { type: 'renamed' }, headers })).status).toBe(202);
  expect((await call('POST', '/api/webhook', { body: {}, headers })).status).toBe(400);
  expect((await call('POST', '/api/webhook', { body: {} })).status).toBe(401);
});

test('answers to ops are as described', async () => {
  const uuid = await balena.newDevice();
  await system.post(uuid, 'mian');
  await system.state(uuid, 'failed');
  await waitFor('its letter is listed', async () => {
    const { text } = await ops('GET', `dead-letters?uuid=${uuid}`);
    return JSON.parse(text).deadLetters[0]?.sequenceNumber;
  });
  await ops('GET', 'overview');
  await ops('GET', 'status');
  await ops('GET', 'dead-letters?errorCode=service-not-found&step=validate&since=1h&order=oldest&limit=1');
  expect((await ops('GET', 'dead-letters?since=yesterday')).status).toBe(400);
  expect((await ops('GET', 'dead-letters?what=1')).status).toBe(400);
  expect((await ops('GET', 'dead-letters?cursor=1')).status).toBe(400);
  await ops('GET', `records?state=failed&uuid=${uuid.slice(0, 8)}`);
  expect((await ops('GET', 'records?state=lost')).status).toBe(400);
  expect((await ops('GET', `records/${uuid}`, undefined, 'records/{id}')).status).toBe(200);
  const short = await ops('GET', `records/${uuid.slice(0, 12)}`, undefined, 'records/{id}');
  expect(JSON.parse(short.text).device.uuid).toBe(uuid);
  expect((await ops('GET', `records/${'0'.repeat(32)}`, undefined, 'records/{id}')).status).toBe(404);
  expect((await ops('GET', 'records/nonsense', undefined, 'records/{id}')).status).toBe(400);

  const planned = await ops('POST', 'actions', { kind: 'replay', filter: { uuid }, by: 'a test' });
  expect(planned.status).toBe(201);
  const { id } = JSON.parse(planned.text) as { id: string };
  expect((await ops('POST', 'actions', { kind: 'discard' })).status).toBe(400);
  expect((await ops('POST', 'actions', { kind: 'replay', filter: { kode: 'x' } })).status).toBe(400);
  expect((await ops('POST', 'actions', '[]')).status).toBe(400);
  expect((await ops('GET', `actions/${id}`, undefined, 'actions/{id}')).status).toBe(200);
  expect((await ops('POST', `actions/${id}/start`, { rate: 600 }, 'actions/{id}/start')).status).toBe(202);
  expect((await ops('POST', `actions/${id}/start`, {}, 'actions/{id}/start')).status).toBe(409);
  await waitFor('it has ended', async () => {
    const { json } = await ops('GET', `actions/${id}`, undefined, 'actions/{id}');
    return json.state === 'done';
  });
  expect((await ops('POST', `actions/${id}/cancel`, {}, 'actions/{id}/cancel')).status).toBe(409);
  const other = JSON.parse((await ops('POST', 'actions', { kind: 'discard', reason: 'scrapped' })).text);
  expect((await ops('POST', `actions/${other.id}/cancel`, undefined, 'actions/{id}/cancel')).status).toBe(
    202,
  );
  expect((await ops('POST', `actions/${randomUUID()}/start`, {}, 'actions/{id}/start')).status).toBe(404);
  expect((await ops('GET', 'actions/nonsense', undefined, 'actions/{id}')).status).toBe(404);
  await ops('GET', 'actions?kind=replay');
  for (const path of ['failures', 'fleets', 'certificates?within=365d', 'activity', 'settings'])
    expect((await ops('GET', path)).status).toBe(200);
  expect((await ops('GET', 'certificates?within=soon')).status).toBe(400);
  const device = { operation: 'provision', uuid: await balena.newDevice(), service: 'main' };
  expect((await ops('POST', 'requests', device)).status).toBe(202);
  expect((await ops('POST', 'requests', { ...device, operation: 'remove' })).status).toBe(400);
  const [fleet] = JSON.parse((await ops('GET', 'fleets')).text).fleets.flatMap(
    (each: { fleet: string | null }) => each.fleet ?? [],
  );
  expect((await ops('POST', 'fleet-plans', { fleet, service: 'main' })).status).toBe(200);
  expect((await ops('POST', 'fleet-plans', { fleet: 'no/fleet' })).status).toBe(404);
  expect((await ops('POST', 'fleet-requests', { fleet, service: 'main', onlyMissing: true })).status).toBe(
    202,
  );
  expect((await call('GET', '/api/ops/overview')).status).toBe(401);
  expect((await call('GET', '/api/ops/overview', { key: provisionKey })).status).toBe(401);
  expect((await system.call('GET', '/api/ops/nothing', { key: opsKey })).json.code).toBe('ops.not-found');
});

test('and there is nothing else in the description', async () => {
  await call('GET', '/api/openapi.json');
  await call('GET', '/api/ops');
  expect([...api.seen].sort()).toEqual([...api.described].sort());
});
