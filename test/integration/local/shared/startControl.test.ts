import { z } from 'zod';
import { BadRequest } from '../../../../local/simulators/shared/startControl.js';
import { startSmallSimulator } from './startSmallSimulator.js';

let simulator: Awaited<ReturnType<typeof startSmallSimulator>>;

beforeAll(async () => {
  const throttle = z.strictObject({ requestsPerMinute: z.number() });
  simulator = await startSmallSimulator(() => ({ status: 200 }), {
    routes: {
      'PUT /throttle': ({ body }) => throttle.parse(body),
      'DELETE /devices/{uuid}': ({ params }) => {
        if (params.uuid !== 'a1') throw new BadRequest(`send a known device, not ${params.uuid}`);
      },
    },
  });
});
afterAll(() => simulator.close());

const errorOf = async (fault: unknown) => {
  const { status, body } = await simulator.callControl('POST', '/faults', fault);
  expect(status).toBe(400);
  return body.error;
};

test('faults are added one by one or as an array, replaced, and removed', async () => {
  expect((await simulator.callControl('POST', '/faults', { status: 500 })).status).toBe(204);
  await simulator.callControl('POST', '/faults', [{ reset: true }, { method: 'get', hang: true }]);
  const listed = await simulator.callControl('GET', '/faults');
  expect(listed.body).toEqual([
    { status: 500, hits: 0 },
    { reset: true, hits: 0 },
    { method: 'GET', hang: true, hits: 0 },
  ]);
  await simulator.callControl('PUT', '/faults', [{ delayMs: 5 }]);
  expect((await simulator.callControl('GET', '/faults')).body).toEqual([{ delayMs: 5, hits: 0 }]);
  await simulator.callControl('DELETE', '/faults');
  expect((await simulator.callControl('GET', '/faults')).body).toEqual([]);
});

test('a wrong fault is refused with a message that says what to send', async () => {
  expect(await errorOf({})).toContain('one of status, reset, hang, halfAnswer, or delayMs');
  expect(await errorOf({ status: 500, hang: true })).toContain('only one of');
  expect(await errorOf({ delayMs: 5, effect: 'now' })).toContain('effect needs one of');
  expect(await errorOf({ reset: true, headers: { a: 'b' } })).toContain(
    'headers, body and gateway need a status',
  );
  expect(await errorOf({ path: '(', status: 500 })).toContain('send a regular expression');
  expect(await errorOf({ probability: 2, status: 500 })).toContain('probability');
  expect(await errorOf({ delayMs: 'x' })).toContain('send milliseconds');
  expect(await errorOf({ status: 500, effect: 'later' })).toContain('send "none", "now" or');
  expect(await errorOf({ stauts: 500 })).toContain('stauts');
  expect(await errorOf([{ status: 500 }, { status: 'x' }])).toContain('status');
  expect((await simulator.callControl('GET', '/faults')).body).toEqual([]);
});

test('a body that is not JSON is refused', async () => {
  const response = await fetch(`${simulator.control.url}/faults`, { method: 'POST', body: '{' });
  expect([response.status, await response.json()]).toEqual([400, { error: 'send JSON' }]);
});

test('an unknown route is answered with the known ones', async () => {
  const { status, body } = await simulator.callControl('GET', '/nothing');
  expect(status).toBe(404);
  expect(body.error).toContain('PUT /throttle');
});

test('a simulator adds routes of its own, with parameters and validated bodies', async () => {
  expect(await simulator.callControl('PUT', '/throttle', { requestsPerMinute: 5 })).toEqual({
    status: 200,
    body: { requestsPerMinute: 5 },
  });
  expect((await simulator.callControl('PUT', '/throttle', { rate: 5 })).status).toBe(400);
  expect((await simulator.callControl('DELETE', '/devices/a1')).status).toBe(204);
  expect((await simulator.callControl('DELETE', '/devices/b2')).body.error).toBe(
    'send a known device, not b2',
  );
});
