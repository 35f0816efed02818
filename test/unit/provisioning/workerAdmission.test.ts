import type { DeviceRecord } from '../../../src/device/record.js';
import type { WorkerDependencies } from '../../../src/provisioning/dependencies.js';
import { expectedAt } from '../../../src/provisioning/expectedAt.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { failed, now, provisioned, queued, thumbprint, uuid } from '../../support/records.js';
import { workerDependencies } from '../../support/workerTools.js';
import { message, minutes, unavailable, worked } from './worked.js';

describe('the lease', () => {
  test('is short, names the time of the last late write, and the record knows the desired scope before the first call', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    const { deps } = system;
    let during: DeviceRecord | null = null;
    const balena = {
      ...deps.balena,
      async findDevice() {
        during = await system.record(uuid);
        return deps.balena.findDevice(uuid);
      },
    };
    await processMessage({ ...deps, balena }, system.message(message), system.delivery());
    expect(during).toMatchObject({
      lease: { until: now + 20_000, lateUntil: now + 2 * minutes, generation: 1 },
      scopes: ['main'],
    });
  });

  test('of a run with the same message is waited for until its end, and the record says so', async () => {
    const lease = { by: 'another', until: now + 15_000, generation: 1, lateUntil: now + minutes };
    const { calls, sent, after } = await worked({ ...queued, lease });
    expect(calls).toEqual([]);
    expect(after?.lease).toEqual({ ...lease, interrupted: true });
    expect(sent).toMatchObject([{ generation: 1, at: lease.until + 250 }]);
    const rateLimiter = { nextFree: async () => now + 1 } as WorkerDependencies['rateLimiter'];
    expect(await expectedAt({ rateLimiter, clock: { now: () => now, sleep: async () => {} } }, after!)).toBe(
      lease.until,
    );
  });

  test('is renewed by a run that lasts longer, and no call starts without the lease', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    const { deps } = system;
    const renewed: (number | undefined)[] = [];
    let at = now;
    const clock = { ...deps.clock, now: () => at };
    const balena = {
      ...deps.balena,
      async findDevice() {
        at += 15_000;
        return deps.balena.findDevice(uuid);
      },
    };
    const hub = {
      ...deps.hub,
      create: async (...call: Parameters<typeof deps.hub.create>) => {
        renewed.push((await system.record(uuid)).lease?.until);
        return deps.hub.create(...call);
      },
    };
    await processMessage({ ...deps, clock, balena, hub }, system.message(message), system.delivery());
    expect(renewed).toEqual([now + 35_000]);
    expect(await system.record(uuid)).toMatchObject({ job: null, lease: null });
  });

  test('that runs out while its renewal is written, ends the run without a call', async () => {
    const { calls, after } = await worked(queued, {
      prepare: ({ deps, clock }) => {
        const { findDevice } = deps.balena;
        const { amend } = deps.records;
        let isSlow = false;
        deps.balena.findDevice = async (id) => {
          clock.at += 15_000;
          isSlow = true;
          return findDevice(id);
        };
        deps.records.amend = async (...change) => {
          const written = await amend(...change);
          // The tables take longer for the renewal than the renewed lease lasts.
          if (isSlow) clock.at += 20_000;
          isSlow = false;
          return written;
        };
      },
    });
    expect(calls).toEqual(['find']);
    expect(after).toMatchObject({ error: { code: 'timed-out' }, job: {}, lease: null });
  });

  test('that another run has taken before the renewal, ends the run without a call', async () => {
    const lease = { by: 'another', until: now + minutes, generation: 1, lateUntil: now + minutes };
    const { calls, after } = await worked(queued, {
      prepare: ({ deps, clock }) => {
        const { findDevice } = deps.balena;
        deps.balena.findDevice = async (id) => {
          clock.at += 15_000;
          await deps.records.amend(uuid, (record) => record && { ...record, lease });
          return findDevice(id);
        };
      },
    });
    expect(calls.filter((call) => call.startsWith('hub') || call.startsWith('store'))).toEqual([]);
    expect(after).toMatchObject({ lease, observed: { hub: 'unknown' } });
  });

  test('of another worker is waited for: a copy of the message comes later', async () => {
    const lease = { by: 'another', until: now + minutes, generation: 0, lateUntil: now + minutes };
    const { calls, sent, after } = await worked({ ...queued, lease });
    expect(calls).toEqual([]);
    expect(after?.lease).toEqual(lease);
    expect(sent).toMatchObject([
      { generation: 1, at: now + 5_000, messageId: `${queued.desired.requestId}.1~9` },
    ]);
  });

  test('that has run out too often ends the request', async () => {
    const { after, deadLetters, calls } = await worked({
      ...queued,
      attempts: 2,
      lease: { by: 'dead', until: now - 1, generation: 0, lateUntil: now - 1 },
    });
    expect(calls.filter((call) => call !== 'used' && call !== 'released')).toEqual([]);
    expect(after).toMatchObject({ lease: null, attempts: 3, error: { code: 'worker-died' } });
    expect(deadLetters).toEqual(['worker-died']);
  });

  test('that has run out is taken, and the hub is written again', async () => {
    const { calls, after } = await worked({
      ...provisioned,
      job: queued.job,
      lease: { by: 'dead', until: now - 1, generation: 0, lateUntil: now - 1 },
    });
    expect(calls).toContain('hub create');
    expect(after).toMatchObject({ job: null, attempts: 0 });
  });
});

describe('a message', () => {
  test('whose record was lost, makes the record with the thumbprints to retire and to revoke', async () => {
    const lists = { retire: [thumbprint, 'B'.repeat(64)], revoke: ['B'.repeat(64)] };
    const { after } = await worked(null, { more: lists });
    expect(after).toMatchObject({ desired: lists, job: null });
  });

  test('whose record was lost, makes the record: absent, if the message says so', async () => {
    const { calls, after } = await worked(null, { more: { operation: 'deprovision', service: null } });
    expect(calls).toEqual(['used', 'hub remove', 'find']);
    expect(after).toMatchObject({ desired: { present: false }, job: null });
  });

  test('above the generation of its record, restores the record', async () => {
    const { after } = await worked(
      { ...provisioned, lastGeneration: 1 },
      { more: { generation: 5, operation: 'deprovision', service: null } },
    );
    expect(after).toMatchObject({ desired: { present: false }, lastGeneration: 5 });
  });

  test('that is superseded, sends the message of the pending job, and does no work', async () => {
    const pending = { ...queued, job: { ...queued.job!, generation: 4 }, lastGeneration: 4 };
    const { calls, sent, after } = await worked(pending);
    expect(calls).toEqual([]);
    expect(sent).toMatchObject([{ generation: 4 }]);
    expect(after?.job).toEqual(pending.job);
  });

  test('of another request, does no work', async () => {
    const requestId = '018f0000-0000-7000-8000-00000000000f';
    const { calls, sent } = await worked(queued, { more: { requestId } });
    expect(calls).toEqual([]);
    expect(sent).toMatchObject([{ requestId: queued.desired.requestId }]);
  });

  test('of a dead job, is dead-lettered', async () => {
    const { calls, deadLetters } = await worked(failed);
    expect(calls).toEqual([]);
    expect(deadLetters).toEqual(['device-not-found']);
  });

  test.each<[string, Partial<NonNullable<NonNullable<DeviceRecord['job']>['dead']>>, number, boolean]>([
    ['is a dead letter that an operator has resent', {}, now + 2 * minutes, true],
    ['arrives for the second time', {}, now, false],
    ['arrives at the same time as its twin', {}, now + 10, false],
    ['is a late copy', { deadLetters: [{ due: now - 1, activeAt: now }] }, now + 2 * minutes, false],
    [
      'is a late copy with the same due time',
      { deadLetters: [{ due: now, from: '7', activeAt: now }] },
      now + 2 * minutes,
      false,
    ],
    ['is late, while no message was dead-lettered yet', { deadLetters: [] }, now + 2 * minutes, false],
    ['was resent, and its job is cancelled', { cancelled: true }, now + 2 * minutes, false],
    [
      'was resent, and its job is discarded',
      { discarded: { at: now, by: 'Ada', reason: 'x' } },
      now + 2 * minutes,
      false,
    ],
  ])('of a dead job, that %s', async (_, dead, enqueuedAt, isReplayed) => {
    const deadLettersOfJob = [{ due: now, activeAt: now }];
    const record = {
      ...failed,
      job: { ...failed.job!, dead: { at: now, deadLetters: deadLettersOfJob, ...dead } },
    };
    const { after, sent, deadLetters } = await worked(record, { enqueuedAt });
    expect(after?.replays).toBe(isReplayed ? 1 : 0);
    expect(sent).toHaveLength(isReplayed ? 1 : 0);
    expect(deadLetters).toHaveLength(isReplayed ? 0 : 1);
  });

  test('of a dead job, is known as a dead letter from then on, so that an operator can resend the message', async () => {
    const enqueuedAt = now + 3 * minutes;
    const { after } = await worked(failed, { enqueuedAt });
    expect(after?.job?.dead).toMatchObject({ deadLetters: [{ due: now, activeAt: enqueuedAt }] });
    const resent = await worked(after, { enqueuedAt: enqueuedAt + 2 * minutes });
    expect(resent.after).toMatchObject({ replays: 1 });
  });

  test('of a dead job, that was resent while the records could not be reached, is done again by its copy', async () => {
    const first = await worked(failed);
    const enqueuedAt = now + 3 * minutes;
    const resent = await worked(first.after, {
      enqueuedAt,
      prepare: ({ deps }) => {
        deps.records.read = () => Promise.reject(new ProvisioningError('records-unavailable', 'Away.'));
      },
    });
    const [copy] = resent.sent;
    expect(copy).toMatchObject({ copyOf: [{ due: now, activeAt: enqueuedAt }] });
    // A copy that is on time stands for the resent message, and so does the copy of this copy.
    const again = await worked(first.after, {
      ...{ more: copy, enqueuedAt: copy!.due },
      prepare: ({ deps }) => {
        deps.records.read = () => Promise.reject(new ProvisioningError('records-unavailable', 'Away.'));
      },
    });
    const [second] = again.sent;
    expect(second?.copyOf).toEqual(copy?.copyOf);
    const { after } = await worked(first.after, { more: second, enqueuedAt: second!.due });
    expect(after).toMatchObject({ replays: 1 });
  });

  test('of a dead job, is no resent one if it is a copy of the message that ended the job', async () => {
    const first = await worked(failed);
    const more = { due: now + minutes, copyOf: [{ due: now, activeAt: now }] };
    const { after, deadLetters } = await worked(first.after, { more, enqueuedAt: now + 5 * minutes });
    expect(after).toMatchObject({ replays: 0 });
    expect(deadLetters).toHaveLength(1);
  });

  test('while the records cannot be reached, is copied for later', async () => {
    const { sent, thrown } = await worked(queued, {
      prepare: ({ deps }) => {
        deps.records.read = async () => {
          throw new ProvisioningError('records-unavailable', 'Away.');
        };
      },
    });
    expect(thrown).toBeUndefined();
    expect(sent).toMatchObject([{ messageId: `${queued.desired.requestId}.1~9`, at: now + 10_000 }]);
  });

  test('while neither records nor queue can be reached, is thrown back after a pause', async () => {
    const { clock, thrown } = await worked(queued, {
      prepare: ({ deps, queue }) => {
        queue.fails = true;
        deps.records.read = async () => {
          throw new ProvisioningError('records-unavailable', 'Away.');
        };
      },
    });
    expect(thrown).toMatchObject({ code: 'queue-unavailable' });
    expect(clock.now()).toBe(now + 5_000);
  });
});

describe('the rate limiter', () => {
  test('is charged for the second operation of a run', async () => {
    const { calls, after } = await worked(queued, {
      prepare: ({ deps }) => {
        const { create } = deps.hub;
        deps.hub.create = async (...call) => (await create(...call)) && 'exists';
      },
    });
    expect(calls.slice(0, 7)).toEqual([
      'find',
      'used',
      'hub create',
      'charged',
      'hub get',
      'store AZURE_CERT',
      'store AZURE_PRIVATE_KEY',
    ]);
    expect(after?.job).toBeNull();
  });

  test('makes the job wait for a reservation that is far, after the look-up and before a pair is minted', async () => {
    const released: [string, boolean][] = [];
    const { calls, after, sent } = await worked(queued, {
      prepare: ({ deps }) => {
        deps.rateLimiter.waitFor = async () => now + minutes;
        deps.rateLimiter.due = async () => now + minutes;
        deps.circuits.balena.release = async (...probe) => void released.push(probe);
        deps.mint = () => Promise.reject(new Error('this must not be called'));
      },
    });
    expect(calls).toEqual(['find']);
    expect(after).toMatchObject({
      job: { due: now + minutes, reservation: { lane: '', turn: 1 } },
      lease: null,
    });
    expect(sent).toMatchObject([{ at: now + minutes }]);
    expect(released).toEqual([[expect.stringContaining('worker/'), true]]);
  });

  test('keeps the reservation of a job that comes too early, without a look-up', async () => {
    const reserved = { ...queued, job: { ...queued.job!, reservation: { lane: '', turn: 7 } } };
    const { calls, after } = await worked(reserved, {
      prepare: ({ deps }) => {
        deps.rateLimiter.waitFor = async () => now + minutes;
      },
    });
    expect(calls).toEqual([]);
    expect(after?.job).toMatchObject({ due: now + minutes, reservation: { lane: '', turn: 7 } });
  });

  test('is not asked for an operation if balena refuses the right to write', async () => {
    const { writeRefused = true, ...observed } = queued.observed;
    const { calls } = await worked(
      { ...queued, observed: { ...observed, writeRefused } },
      {
        prepare: ({ deps, fails }) => {
          fails.set('add AZURE_CERT', new ProvisioningError('balena-write-refused', 'No.'));
          deps.rateLimiter.reserve = () => Promise.reject(new Error('this must not be called'));
        },
      },
    );
    expect(calls).toEqual(['find', 'add AZURE_CERT']);
  });

  test.each([
    ['a service that the device does not have', { ...queued.desired, service: 'typo' }, 'main'],
    ['a device that balena does not have', queued.desired, null],
  ])('is not asked for an operation by a request for %s', async (_, desired, service) => {
    const { calls, after } = await worked(
      { ...queued, desired, quickTries: 4 },
      {
        prepare: ({ deps }) => {
          if (service === null) deps.balena.findDevice = async () => null;
          deps.rateLimiter.reserve = () => Promise.reject(new Error('this must not be called'));
        },
        more: { service: desired.service },
      },
    );
    expect(calls).not.toContain('used');
    expect(after?.job?.dead).toBeDefined();
  });
});

test.each([
  [0, false],
  [1, true],
])('a device with %d attempts is a suspect for the circuits: %p', async (attempts, isSuspect) => {
  const users: boolean[] = [];
  await worked(
    { ...queued, attempts },
    {
      prepare: ({ deps, fails }) => {
        const { balena } = deps.circuits;
        const { admit, failed: report } = balena;
        balena.admit = (user) => {
          users.push(user.isSuspect);
          return admit(user);
        };
        balena.failed = (error, user, ping) => {
          users.push(user.isSuspect);
          return report(error, user, ping);
        };
        fails.set('find', new ProvisioningError('balena-unavailable', 'Away.', { dependency: 'balena' }));
      },
    },
  );
  expect(users).toEqual([isSuspect, isSuspect]);
});

test('a check that follows the run of a change keeps its notice: the run does not count the sighting of the sweep', async () => {
  const check = { generation: 2, due: now + 1, notice: 'outside' as const };
  const { after, calls } = await worked(
    { ...provisioned, job: queued.job, check, lastGeneration: 2 },
    {
      prepare: ({ deps }) => {
        deps.settings = { ...deps.settings, fleets: ['my_org/other'] };
      },
    },
  );
  expect(calls).toEqual(['find']);
  expect(after).toMatchObject({ observed: { outside: { sightings: 0 } }, check: { notice: 'outside' } });
});

describe('balena asked us to wait', () => {
  const waiting =
    (ms: number) =>
    ({ deps }: ReturnType<typeof workerDependencies>) => {
      deps.balenaLimit.pauseMs = async () => Math.max(0, now + ms - deps.clock.now());
      const { findDevice } = deps.balena;
      deps.balena.findDevice = async (id) => {
        const retryAfterMs = await deps.balenaLimit.pauseMs();
        if (retryAfterMs > 0) throw new ProvisioningError('balena-throttled', 'Wait.', { retryAfterMs });
        return findDevice(id);
      };
    };

  test('for a moment: the run waits, and goes on', async () => {
    const { after, clock } = await worked(queued, { prepare: waiting(4_000) });
    expect(after?.job).toBeNull();
    expect(clock.now()).toBe(now + 4_000);
  });

  test('for longer: the run ends, is no attempt, and comes again afterwards', async () => {
    const { after, calls } = await worked(queued, { prepare: waiting(60_000) });
    expect(calls).toEqual([]);
    expect(after).toMatchObject({ attempts: 0, lease: null, error: { code: 'balena-throttled' } });
    expect(after?.job?.due).toBeGreaterThan(now + 60_000);
  });
});

describe('the look-up', () => {
  test('is waited for in the queue if it is far, and nothing is called or reserved at the hub', async () => {
    const { calls, after, sent } = await worked(queued, {
      prepare: ({ deps }) => {
        deps.balenaLimit.waitFor = async () => now + minutes;
      },
    });
    expect(calls).toEqual([]);
    expect(after).toMatchObject({ job: { due: now + minutes, lookUp: { lane: '', turn: 2 } }, lease: null });
    expect(after?.job?.reservation).toBeUndefined();
    expect(sent).toMatchObject([{ at: now + minutes }]);
  });

  test('that is far gives back the probe that the message would have been', async () => {
    const released: [string, string, boolean][] = [];
    const { calls } = await worked(queued, {
      prepare: ({ deps }) => {
        deps.balenaLimit.waitFor = async () => now + minutes;
        for (const dependency of ['balena', 'hub'] as const)
          deps.circuits[dependency].release = async (...probe) => void released.push([dependency, ...probe]);
      },
    });
    expect(calls).toEqual([]);
    const id = expect.stringContaining('worker/');
    expect(released).toEqual([
      ['balena', id, false],
      ['hub', id, false],
    ]);
  });

  test('is not reserved again by the run with the reserved operation', async () => {
    const { after } = await worked(
      { ...queued, job: { ...queued.job!, reservation: { lane: '', turn: 7 } } },
      {
        prepare: ({ deps }) => {
          deps.balenaLimit.reserve = () => Promise.reject(new Error('this must not be called'));
        },
      },
    );
    expect(after?.job).toBeNull();
  });

  test('that was reserved is given back after a conflict, and used once', async () => {
    let used = 0;
    const { calls } = await worked(queued, {
      prepare: ({ deps }) => {
        const { write } = deps.records;
        let writes = 0;
        deps.balenaLimit.use = () => {
          used += 1;
        };
        deps.records.write = async (...row) => {
          writes += 1;
          return writes > 1 && write(...row);
        };
      },
    });
    expect(calls.slice(0, 2)).toEqual(['look-up released', 'find']);
    expect(used).toBe(1);
  });
});

describe('while the circuit of the hub is open', () => {
  const open = {
    state: 'open' as const,
    since: now,
    until: now,
    failures: 1,
    probe: null,
    code: 'hub-unavailable' as const,
  };

  test('a run that fails counts as no attempt', async () => {
    const { after } = await worked(queued, {
      prepare: ({ deps, fails }) => {
        deps.circuits.hub.read = async () => open;
        fails.set('find', new ProvisioningError('timed-out', 'No answer.'));
      },
    });
    expect(after).toMatchObject({ attempts: 0, error: { code: 'timed-out' } });
  });

  describe('a request that balena has not validated', () => {
    const hubAway = ({ deps }: ReturnType<typeof workerDependencies>) => {
      deps.circuits.hub.admit = async () => now + 123_456;
      deps.rateLimiter.reserve = () => Promise.reject(new Error('this must not be called'));
    };

    test('ends at its look-up if it is wrong', async () => {
      const typo = { ...queued, desired: { ...queued.desired, service: 'typo' } };
      expect((await worked(typo, { prepare: hubAway })).deadLetters).toEqual(['service-not-found']);
    });

    test('waits for the hub after its look-up if it is right, and is not looked up again', async () => {
      const first = await worked(queued, { prepare: hubAway });
      expect(first.calls).toEqual(['find']);
      expect(first.after).toMatchObject({
        job: { due: now + 123_456 },
        desired: { validated: true },
        lease: null,
        error: null,
      });
      const more = { generation: first.after!.job!.generation };
      const again = await worked(first.after, { prepare: hubAway, more });
      expect(again.calls).toEqual([]);
      expect(again.after).toMatchObject({ job: { due: now + 123_456 } });
    });

    test('may be the probe of the hub, and gives an unneeded probe back', async () => {
      const released: [string, boolean][] = [];
      const { after } = await worked(queued, {
        prepare: ({ deps }) => {
          deps.circuits.hub.release = async (...probe) => void released.push(probe);
        },
      });
      expect(after?.job).toBeNull();
      expect(released).toEqual([[expect.stringContaining('worker/'), true]]);
    });
  });

  test('a failure that was not of the device alone counts as no attempt, also if the circuit has closed meanwhile', async () => {
    const { after } = await worked(queued, {
      prepare: ({ deps, fails }) => {
        fails.set('hub create', unavailable());
        deps.circuits.hub.failed = async () => false;
      },
    });
    expect(after).toMatchObject({ attempts: 0, retries: 1, error: { code: 'hub-unavailable' } });
  });

  test('the circuit says when the run comes again, and the own back-off does not grow', async () => {
    const { after } = await worked(queued, {
      prepare: ({ deps, fails }) => {
        deps.circuits.hub.nextAttemptAt = async () => now + 123_456;
        fails.set('hub create', unavailable());
      },
    });
    expect(after).toMatchObject({ retries: 0, job: { due: now + 123_456 } });
  });

  test('a dependency that failed one call of a run is not healthy', async () => {
    const released: [string, boolean][] = [];
    await worked(queued, {
      prepare: ({ deps, fails }) => {
        deps.circuits.balena.release = async (...probe) => void released.push(probe);
        fails.set('store AZURE_CERT', new ProvisioningError('balena-unavailable', 'Away.'));
      },
    });
    expect(released).toEqual([[expect.stringContaining('worker/'), false]]);
  });
});
