import { Unauthorized } from '../../../src/http/errors.js';
import { answerState } from '../../../src/http/provision/state.js';
import type { RateLimiter } from '../../../src/throttling/rateLimiter.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { now, provisioned, uuid } from '../../support/records.js';
import { requestWith } from '../../support/request.js';

/** Answers a request for the state of a device. The proof is necessary, and "good" is right. */
async function answer(authorization?: string, record = provisioned) {
  const { deps, put, table } = acceptDependencies(now);
  await put(record);
  const proved: string[] = [];
  const outcome = await answerState(
    {
      ...deps,
      rateLimiter: { nextFree: async () => now } as unknown as RateLimiter,
      ca: { chainOf: () => null },
      limit: { run: (work) => work(), outside: (work) => work() },
      async proof(of, sent) {
        proved.push(of);
        if (sent !== 'good') throw new Unauthorized('provision.proof-missing', 'No.');
        return true;
      },
    },
    requestWith({
      method: 'GET',
      params: { uuid },
      ...(authorization !== undefined && { headers: { authorization } }),
    }),
  ).catch((error: unknown) => error);
  return { outcome, proved, reads: table.reads };
}

test('the state of a device is shown to the device that proves its identity', async () => {
  const { outcome, proved } = await answer('good');
  expect(outcome).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
  expect(JSON.parse(String((outcome as { body: string }).body))).toMatchObject({
    uuid,
    state: 'provisioned',
  });
  expect(proved).toEqual([uuid]);
});

test.each([
  ['that exists', provisioned],
  ['that was never requested', { ...provisioned, uuid: 'cd'.repeat(16) }],
])('without the proof, nobody learns of a device %s', async (_, record) => {
  const { outcome, reads } = await answer(undefined, record);
  expect(outcome).toMatchObject({ code: 'provision.proof-missing' });
  expect(reads).toBe(0);
});

test('a device that was never requested is not found', async () => {
  const { outcome } = await answer('good', { ...provisioned, uuid: 'cd'.repeat(16) });
  expect(outcome).toMatchObject({ status: 404 });
});
