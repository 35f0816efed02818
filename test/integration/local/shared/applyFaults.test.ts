import { request } from 'node:http';
import { jest } from '@jest/globals';
import { waitFor } from '../../../support/waitFor.js';
import { startSmallSimulator } from './startSmallSimulator.js';

let simulator: Awaited<ReturnType<typeof startSmallSimulator>>;
let effects: string[] = [];

beforeAll(async () => {
  simulator = await startSmallSimulator(
    ({ method, path, body }) => {
      if (path === '/broken') throw new Error('a defect');
      effects.push(`${method} ${path} ${body}`);
      return { status: 201, headers: { 'X-Real': 'yes' }, body: { done: 'a fairly long answer' } };
    },
    {},
    100,
  );
});
beforeEach(async () => {
  effects = [];
  await simulator.callControl('DELETE', '/faults');
  await simulator.callControl('DELETE', '/requests');
});
afterAll(() => simulator.close());

const send = (path = '/things/1', init: RequestInit = { method: 'PUT', body: 'x' }) =>
  fetch(simulator.url + path, init);
const faults = (...list: unknown[]) => simulator.callControl('PUT', '/faults', list);

test('without faults a request takes effect and is answered', async () => {
  const response = await send();
  expect([response.status, response.headers.get('x-real')]).toEqual([201, 'yes']);
  expect(await response.json()).toEqual({ done: 'a fairly long answer' });
  expect(effects).toEqual(['PUT /things/1 x']);
});

test('a refused request gets the status, headers and body of the fault, and has no effect', async () => {
  await faults({ status: 429, headers: { 'Retry-After': '3' }, body: 'slow down' });
  const response = await send();
  expect([response.status, response.headers.get('retry-after'), await response.text()]).toEqual([
    429,
    '3',
    'slow down',
  ]);
  expect(effects).toEqual([]);
});

test('a body that is not text goes out as JSON', async () => {
  await faults({ status: 500, body: { Message: 'broken' } });
  const response = await send();
  expect(response.headers.get('content-type')).toMatch('application/json');
  expect(await response.json()).toEqual({ Message: 'broken' });
});

test('a refused request can take effect all the same', async () => {
  await faults({ status: 500, effect: 'now' });
  expect((await send()).status).toBe(500);
  expect(effects).toEqual(['PUT /things/1 x']);
});

test('a refused request can take effect later', async () => {
  const later = jest.spyOn(simulator.control, 'later').mockReturnValue();
  await faults({ status: 504, effect: { lateMs: 60 } });
  expect((await send()).status).toBe(504);
  expect(effects).toEqual([]);
  const [[delayMs, run]] = later.mock.calls as [[number, () => unknown]];
  later.mockRestore();
  expect(delayMs).toBe(60);
  await run();
  expect(effects).toEqual(['PUT /things/1 x']);
});

test('a reset destroys the connection without an answer', async () => {
  await faults({ reset: true });
  const code = await new Promise((resolve) => {
    request(`${simulator.url}/things/1`)
      .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
      .end();
  });
  expect(code).toBe('ECONNRESET');
  expect(effects).toEqual([]);
});

test('a hanging request is never answered, and can take effect', async () => {
  await faults({ hang: true, effect: 'now' });
  const controller = new AbortController();
  const answer = expect(send('/things/1', { signal: controller.signal })).rejects.toThrow('aborted');
  await waitFor(
    'the request has arrived',
    async () => (await simulator.callControl('GET', '/requests')).body.total === 1,
  );
  controller.abort();
  await answer;
  expect(effects).toEqual(['GET /things/1 ']);
});

test('half an answer has the true status and headers, and breaks off within the body', async () => {
  await faults({ halfAnswer: true, effect: 'now' });
  const response = await send();
  expect([response.status, response.headers.get('x-real')]).toEqual([201, 'yes']);
  const seen: Buffer[] = [];
  const reading = async () => {
    for await (const chunk of response.body!) seen.push(Buffer.from(chunk));
  };
  await expect(reading()).rejects.toThrow();
  expect(Buffer.concat(seen).toString()).toMatch(/^\{"done":"a fai/);
  expect(effects).toHaveLength(1);
});

test('half an answer without effect does nothing', async () => {
  await faults({ halfAnswer: true });
  await expect(send().then((response) => response.text())).rejects.toThrow();
  expect(effects).toEqual([]);
});

test('a delay alone slows the request down, and faults after it are still looked at', async () => {
  await faults({ delayMs: 60 }, { delayMs: [20, 30] }, { status: 503 });
  const started = performance.now();
  expect((await send()).status).toBe(503);
  expect(performance.now() - started).toBeGreaterThanOrEqual(78);
});

test('the end of the faults ends their delays', async () => {
  await faults({ delayMs: 3_600_000 });
  const answer = send();
  await waitFor('the request is delayed', async () => {
    const { body } = await simulator.callControl('GET', '/faults');
    return (body as { hits: number }[])[0]?.hits === 1;
  });
  await simulator.callControl('DELETE', '/faults');
  expect((await answer).status).toBe(201);
});

test('method, path and query say which requests a fault is for', async () => {
  await faults({ method: 'post', path: "^/v7/device\\?.*uuid eq 'a'", status: 418 });
  const query = `/v7/device?${new URLSearchParams({ $filter: "uuid eq 'a'" })}`.replaceAll('+', '%20');
  const statuses = [
    await send(query, { method: 'POST' }),
    await send(query),
    await send('/v7/device', { method: 'POST' }),
  ];
  expect(statuses.map(({ status }) => status)).toEqual([418, 201, 201]);
});

test('a fault with `times` ends after so many hits, and says how many it had', async () => {
  await faults({ times: 2, status: 503 });
  const statuses = [await send(), await send(), await send()].map(({ status }) => status);
  expect(statuses).toEqual([503, 503, 201]);
  expect((await simulator.callControl('GET', '/faults')).body).toEqual([{ times: 2, status: 503, hits: 2 }]);
});

test('a probability hits about that share of the requests, and the same ones again from the same seed', async () => {
  const run = async () => {
    await faults({ probability: 0.3, status: 503 });
    const statuses: number[] = [];
    for (let index = 0; index < 100; index += 1) statuses.push((await send()).status);
    return statuses;
  };
  const first = await run();
  expect(first.filter((status) => status === 503).length).toBeGreaterThan(15);
  expect(first.filter((status) => status === 503).length).toBeLessThan(45);
  expect(await run()).toEqual(first);
  await simulator.callControl('PUT', '/seed', { seed: 99 });
  expect(await run()).not.toEqual(first);
});

test('requests are counted by method, path pattern and status, and listed', async () => {
  await send();
  await faults({ method: 'PUT', times: 1, status: 503 }, { method: 'DELETE', reset: true });
  await send('/things/2');
  await send('/things/3', { method: 'DELETE' }).catch(() => {});
  const { total, counts, requests } = (await simulator.callControl('GET', '/requests')).body;
  expect(total).toBe(3);
  expect(counts).toEqual({ 'PUT /things/{id}': { 201: 1, 503: 1 }, 'DELETE /things/{id}': { none: 1 } });
  expect(requests[2]).toMatchObject({ method: 'DELETE', path: '/things/{id}', status: null, fault: 'reset' });
  expect(Date.parse(requests[0].at)).toBeGreaterThan(0);
});

test('a body that is too large is refused with 413', async () => {
  expect((await send('/things/1', { method: 'PUT', body: 'x'.repeat(101) })).status).toBe(413);
  expect(effects).toEqual([]);
});

test('a defect of the simulator is answered with 500 and reported', async () => {
  expect((await send('/broken')).status).toBe(500);
  expect(simulator.events.join()).toContain('a defect');
});
