import { limitRequests } from '../../../src/balena/limitRequests.js';
import type { FleetListing } from '../../../src/balena/listing.js';
import type { BalenaClient } from '../../../src/balena/types.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { openBalenaLimit } from '../../../src/throttling/balenaLimit.js';
import { openRateLimiter, type RateLimiterRow } from '../../../src/throttling/openRateLimiter.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';
import { thrownBy } from '../../support/thrownBy.js';

const start = 1_800_000_000_000;
const intervalMs = 100;

/** Several processes with one row. `answers` are the errors of the next requests; every other request succeeds. */
function processes(count: number) {
  const table = memoryTable<RateLimiterRow>();
  const clock = handClock(start);
  const answers: ProvisioningError[] = [];
  let requests = 0;
  const request = async () => {
    requests += 1;
    const error = answers.shift();
    if (error) throw error;
  };
  const opened = Array.from({ length: count }, () => {
    const rateLimiter = openRateLimiter({ table, clock, perMinute: 60_000 / intervalMs, random: () => 0 });
    const limit = openBalenaLimit(rateLimiter, clock);
    const client = { findDevice: request, list: request, ping: request } as unknown as BalenaClient &
      FleetListing;
    return { limit, balena: limitRequests(client, limit) };
  });
  const nextFree = async () => {
    // The charges are written in a microtask.
    for (let i = 0; i < 20; i += 1) await null;
    return (await opened[0]!.limit.nextFree()) - clock.now();
  };
  return { clock, answers, opened, table, nextFree, requests: () => requests };
}

const throttled = (retryAfterMs: number) =>
  new ProvisioningError('balena-throttled', 'No.', { retryAfterMs });

test('every request is counted, and the first request of a run by its reservation', async () => {
  const { opened, nextFree } = processes(1);
  const [{ limit, balena }] = opened as [(typeof opened)[0]];
  limit.use(await limit.reserve());
  await balena.findDevice('uuid');
  expect(await nextFree()).toBe(intervalMs);
  await balena.findDevice('uuid');
  await balena.ping(1);
  expect(await nextFree()).toBe(3 * intervalMs);
});

test('after balena has asked us to wait, no process sends a request until then, and all reservations move', async () => {
  const { opened, answers, requests, clock } = processes(2);
  const [one, other] = opened as [(typeof opened)[0], (typeof opened)[0]];
  const reservation = await other.limit.reserve();
  answers.push(throttled(30_000));
  expect(await thrownBy(one.balena.findDevice('uuid'))).toMatchObject({ retryAfterMs: 30_000 });
  // A reading of the row is a second old at most.
  clock.at += 1_000;
  const refusal = { code: 'balena-throttled', retryAfterMs: 29_000 };
  expect(await thrownBy(other.balena.list(null, ''))).toMatchObject(refusal);
  expect(await thrownBy(other.balena.findDevice('uuid'))).toMatchObject(refusal);
  expect(await other.limit.pauseMs()).toBe(29_000);
  expect(await other.limit.due(reservation)).toBe(start + 30_000);
  expect(requests()).toBe(1);
  clock.at += 29_000;
  await other.balena.findDevice('uuid');
  expect(requests()).toBe(2);
});

test('a ping is sent also during the wait: it finds out whether balena answers', async () => {
  const { opened, answers, requests } = processes(1);
  const [{ balena }] = opened as [(typeof opened)[0]];
  answers.push(throttled(30_000));
  await thrownBy(balena.findDevice('uuid'));
  await balena.ping(1);
  expect(requests()).toBe(2);
});

test('while the records cannot be reached, requests are sent', async () => {
  const { opened, table, requests } = processes(1);
  table.fails = true;
  await opened[0]!.balena.findDevice('uuid');
  expect(requests()).toBe(1);
});

test('while the records cannot be reached, the last known wait counts', async () => {
  const { opened, answers, table, clock } = processes(1);
  const [{ limit, balena }] = opened as [(typeof opened)[0]];
  answers.push(throttled(30_000));
  await thrownBy(balena.findDevice('uuid'));
  table.fails = true;
  clock.at += 2_000;
  expect(await limit.pauseMs()).toBe(28_000);
  expect(await thrownBy(balena.findDevice('uuid'))).toMatchObject({ retryAfterMs: 28_000 });
});

test('a shorter wait does not end a longer one', async () => {
  const { opened, answers } = processes(1);
  const [{ balena }] = opened as [(typeof opened)[0]];
  answers.push(throttled(30_000), throttled(1_000));
  await Promise.all(['one', 'two'].map((uuid) => thrownBy(balena.findDevice(uuid))));
  expect(await thrownBy(balena.findDevice('uuid'))).toMatchObject({ retryAfterMs: 30_000 });
});

test('other errors move nothing', async () => {
  const { opened, answers } = processes(1);
  answers.push(new ProvisioningError('balena-conflict', 'No.', { retryAfterMs: 1_000 }));
  await thrownBy(opened[0]!.balena.findDevice('uuid'));
  expect(await opened[0]!.limit.pauseMs()).toBe(0);
});
