import { answerAccepted } from '../../../src/http/provision/answer.js';
import type { Acceptance } from '../../../src/provisioning/accept.js';
import type { RateLimiter } from '../../../src/throttling/rateLimiter.js';
import { failed, now, provisioned, queued, recordWith, requestId, uuid } from '../../support/records.js';
import { requestWith } from '../../support/request.js';

/** The next free reservation is in 7 s. A reservation is due as many milliseconds after the start as its turn says. */
const rateLimiter: RateLimiter = {
  reserve: async () => {
    throw new Error('an answer reserves nothing');
  },
  markUsed() {},
  due: async ({ turn }) => now + turn,
  wakeAt: async () => now,
  release() {},
  charge() {},
  delayAll: async () => {},
  waitFor: async () => null,
  pausedUntil: async () => 0,
  nextFree: async () => now + 7_000,
};
const clock = { now: () => now, sleep: async () => {} };
const answer = async (acceptance: Acceptance, headers: Record<string, string> = {}) => {
  const given = await answerAccepted(
    { rateLimiter, clock, ca: { chainOf: () => null } },
    requestWith({ headers }),
    acceptance,
  );
  return { status: given.status, headers: given.headers as Record<string, string>, body: String(given.body) };
};

test('a provisioned device that is being checked is accepted, and does not wait for a registry operation', async () => {
  const check = { generation: 2, due: now };
  const { status, headers, body } = await answer({ kind: 'checking', record: { ...provisioned, check } });
  expect([status, headers['retry-after']]).toEqual([202, '1']);
  expect(JSON.parse(body)).toMatchObject({
    state: 'provisioned',
    message: expect.stringMatching(/^The device was provisioned before\. A worker checks its variables/),
  });
  const reserved = { ...provisioned, check: { ...check, reservation: { lane: '', turn: 30_000 } } };
  expect((await answer({ kind: 'checking', record: reserved })).headers['retry-after']).toBe('30');
});

describe('accepted', () => {
  test('says where the state is, and when to look', async () => {
    const { status, headers, body } = await answer({ kind: 'accepted', record: queued });
    expect(status).toBe(202);
    expect(headers).toEqual({
      location: `/api/provision/${uuid}`,
      'retry-after': '7',
      'content-type': 'application/json',
    });
    expect(JSON.parse(body)).toEqual({
      requestId,
      uuid,
      operation: 'provision',
      state: 'queued',
      expectedAt: '2030-01-01T00:00:07.000Z',
      message: expect.stringMatching(
        /^Accepted, not yet provisioned\. Expected at 2030-01-01T00:00:07\.000Z\./,
      ),
    });
  });

  test.each([
    [
      'at its slot, if it has one',
      { generation: 1, due: now, reservation: { lane: '', turn: 30_000 } },
      '30',
    ],
    ['no sooner than it is due', { generation: 1, due: now + 90_500 }, '91'],
    [
      'in a second, if its slot has passed',
      { generation: 1, due: now, reservation: { lane: '', turn: 1 } },
      '1',
    ],
  ])('is expected %s', async (_, job, seconds) => {
    const { headers } = await answer({ kind: 'accepted', record: recordWith({ job }) });
    expect(headers['retry-after']).toBe(seconds);
  });

  test('says what it is that is not yet done', async () => {
    const desired = { ...queued.desired, present: false, service: null };
    const { body } = await answer({ kind: 'accepted', record: { ...queued, desired } });
    expect(JSON.parse(body)).toMatchObject({
      operation: 'deprovision',
      message: expect.stringContaining('not yet deprovisioned'),
    });
  });
});

describe('already provisioned', () => {
  test('is the text that Cloud Relay looks for', async () => {
    const { status, headers, body } = await answer({ kind: 'already-provisioned', record: provisioned });
    expect(status).toBe(409);
    expect(headers['content-type']).toMatch(/^text\/plain/);
    expect(body).toMatch(/^DeviceAlreadyExistsError/);
    expect(body).toContain('for its service "main"');
  });

  const documentFor = async (accept: string) => {
    const { headers } = await answer({ kind: 'already-provisioned', record: provisioned }, { accept });
    return headers['content-type'] === 'application/problem+json';
  };

  test.each([
    'application/json',
    'application/problem+json',
    'Application/JSON; charset=utf-8',
    'application/*',
    'application/json, text/plain;q=0.9',
    'application/json, text/javascript, */*; q=0.01',
    'text/html, application/json;q=0.9, */*;q=0.8',
    'application/json;q=0.5, text/plain;q=0',
    'text/*;q=0.2, */*',
  ])('is a problem document for who prefers JSON to text: %s', async (accept) => {
    expect(await documentFor(accept)).toBe(true);
  });

  test.each([
    // The default of axios.
    'application/json, text/plain, */*',
    '*/*',
    '',
    'text/plain',
    'text/html',
    'text/plain, application/json',
    'application/json, */*',
    'application/problem+json, */*',
    'application/json;q=0.5, text/plain;q=0.9',
    'application/json;q=0.5, */*;q=0.8',
    'application/json;q=0',
    'application/json;q=high, */*',
    'application/jsonp',
    'nonsense, ;q=1, application/',
  ])('is the text for everybody else: %j', async (accept) => {
    expect(await documentFor(accept)).toBe(false);
  });

  test('is a problem document with code and service', async () => {
    const { status, body } = await answer(
      { kind: 'already-provisioned', record: provisioned },
      { accept: 'application/json' },
    );
    expect(status).toBe(409);
    expect(JSON.parse(body)).toMatchObject({ code: 'DeviceAlreadyExistsError', service: 'main' });
  });
});

test('a device that failed for good shows the reason, and when a new request is possible', async () => {
  const { status, headers, body } = await answer({
    kind: 'failed',
    record: failed,
    retryAt: now + 600_000,
  });
  expect([status, headers['retry-after']]).toEqual([422, '600']);
  expect(JSON.parse(body)).toMatchObject({
    code: 'device-not-found',
    detail: 'balena knows no such device. A new request is possible after 2030-01-01T00:10:00.000Z.',
    step: 'validate',
    retryAt: '2030-01-01T00:10:00.000Z',
    requestId,
  });
});

test('a device that has requested too many keys is told when to repeat the request', async () => {
  const acceptance = { kind: 'too-many-keys' as const, record: provisioned, retryAt: now + 90_000 };
  const { status, headers, body } = await answer(acceptance);
  expect([status, headers['retry-after']]).toEqual([429, '90']);
  expect(JSON.parse(body)).toMatchObject({ code: 'provision.too-many-keys', title: 'Too many requests' });
});

test('two services that want one device are told so', async () => {
  const { status, headers, body } = await answer({
    kind: 'service-conflict',
    record: provisioned,
    retryAt: now + 500,
  });
  expect([status, headers['retry-after']]).toEqual([409, '1']);
  expect(body).not.toMatch(/DeviceAlreadyExistsError/);
  expect(JSON.parse(body)).toMatchObject({ code: 'service-conflict', service: 'main' });
  expect(JSON.parse(body).detail).toMatch(/^The credentials were moved to the service "main" less than/);
  const moved = { ...provisioned, desired: { ...provisioned.desired, service: '' } };
  const other = await answer({ kind: 'service-conflict', record: moved, retryAt: now + 500 });
  expect(JSON.parse(other.body).detail).toMatch(/^The credentials were moved to the device level less than/);
});
