import type { DeviceRecord } from '../../../src/device/record.js';
import { requestPartOf } from '../../../src/device/refusal.js';
import { leaseExpired } from '../../../src/device/transitions.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, provisioned, queued, recordWith, thumbprint, uuid } from '../../support/records.js';
import { workerDependencies } from '../../support/workerTools.js';
import { message, minutes, unavailable, worked } from './worked.js';

describe('a call without an answer', () => {
  const lost = (dependency: 'hub' | 'balena', outcomeUnknown: boolean) =>
    new ProvisioningError('timed-out', 'No answer.', { dependency, outcomeUnknown });

  test('is made once more, because its connection may have been dropped without a word', async () => {
    const { calls, after } = await worked(queued, {
      prepare: ({ fails }) => fails.set('find', lost('balena', false)),
    });
    expect(calls.slice(0, 3)).toEqual(['find', 'find', 'used']);
    expect(after).toMatchObject({ job: null, lease: null });
  });

  test('that may still take effect keeps the lease, although the run succeeds, and counts as an operation', async () => {
    const { calls, after } = await worked(queued, {
      prepare: ({ fails }) => fails.set('hub create', lost('hub', true)),
    });
    expect(calls.slice(0, 5)).toEqual(['find', 'used', 'hub create', 'charged', 'hub create']);
    expect(after).toMatchObject({ job: null, lease: { unresolved: true }, observed: { service: 'main' } });
  });

  test('is not made a third time', async () => {
    let tries = 0;
    const { after } = await worked(queued, {
      prepare: ({ deps }) => {
        deps.hub.create = () => {
          tries += 1;
          return Promise.reject(lost('hub', true));
        };
      },
    });
    expect(tries).toBe(2);
    expect(after).toMatchObject({ error: { code: 'timed-out' }, lease: { unresolved: true } });
  });

  test('is repeated under a renewed lease, also if the call has outlasted the lease', async () => {
    const untils: (number | undefined)[] = [];
    const { after } = await worked(queued, {
      prepare: ({ deps, clock, record }) => {
        const { findDevice } = deps.balena;
        deps.balena.findDevice = async (id) => {
          untils.push((await record(uuid)).lease?.until);
          if (untils.length > 1) return findDevice(id);
          clock.at += 21_000;
          throw lost('balena', false);
        };
      },
    });
    expect(untils).toEqual([now + 20_000, now + 41_000]);
    expect(after).toMatchObject({ job: null, lease: null });
  });

  test('that began late, because its process had paused, keeps the lease for the time in which the call may take effect', async () => {
    const paused = 100_000;
    const { after } = await worked(queued, {
      prepare: ({ deps, clock }) => {
        deps.hub.create = () => {
          clock.at += paused;
          return Promise.reject(lost('hub', true));
        };
      },
    });
    const until = now + paused + minutes;
    expect(after).toMatchObject({
      lease: { unresolved: true, until, lateUntil: until },
      job: { due: until },
    });
  });

  test('is given less time than the run, and its repetition, too', async () => {
    const limits: number[] = [];
    await worked(queued, {
      prepare: ({ deps }) => {
        deps.hub.create = (_uuid, _thumbprints, ms) => {
          limits.push(ms);
          return Promise.reject(lost('hub', true));
        };
      },
    });
    expect(limits).toEqual([10_000, 30_000]);
  });

  test('does not last beyond the time for work', async () => {
    const limits: number[] = [];
    await worked(queued, {
      prepare: ({ deps, clock }) => {
        deps.hub.create = (_uuid, _thumbprints, ms) => {
          limits.push(ms);
          clock.at += 10_000;
          return Promise.reject(lost('hub', true));
        };
        const { findDevice } = deps.balena;
        deps.balena.findDevice = async (id) => {
          clock.at += 19_000;
          return findDevice(id);
        };
        deps.settings = { ...deps.settings, workLimitMs: 25_000 };
      },
    });
    expect(limits).toEqual([6_000]);
  });
});

describe('a run that succeeds', () => {
  test('provisions the device, the hub before balena, and leaves no job', async () => {
    const { calls, after, sent, deadLetters } = await worked(queued);
    expect(calls).toEqual(['find', 'used', 'hub create', 'store AZURE_CERT', 'store AZURE_PRIVATE_KEY']);
    expect(after).toMatchObject({ job: null, lease: null, scopes: ['main'], observed: { service: 'main' } });
    expect(after?.observed.verifiedAt).toBe(now);
    expect(sent).toEqual([]);
    expect(deadLetters).toEqual([]);
  });

  test('removes the identity of a device that is to be absent, before balena is asked', async () => {
    const absent = recordWith({
      ...provisioned,
      desired: { ...provisioned.desired, present: false, service: null },
      job: queued.job,
    });
    const { calls, after } = await worked(absent);
    expect(calls).toEqual(['used', 'hub remove', 'find']);
    expect(after).toMatchObject({ job: null, observed: { hub: 'none', thumbprint: null } });
  });

  const reservation = { lane: '', turn: 1 };
  const reserved = { ...queued, job: { ...queued.job!, reservation } };

  test('gives back a reservation that was not needed', async () => {
    const { calls, after } = await worked(
      { ...reserved, quickTries: 4 },
      {
        prepare: ({ deps }) => {
          deps.balena.findDevice = async () => null;
        },
      },
    );
    expect(calls).toContain('released');
    expect(after?.job?.dead).toBeDefined();
  });

  test.each(['find', 'hub create'])(
    'keeps the place in the line of a device whose call "%s" fails once',
    async (call) => {
      const { calls, after } = await worked(reserved, {
        prepare: ({ fails }) => fails.set(call, unavailable()),
      });
      expect(calls).not.toContain('released');
      expect(after?.job).toMatchObject({ reservation });
    },
  );
});

test('a run that has reserved its operation itself keeps the place in the line if the run fails', async () => {
  const { calls, after } = await worked(queued, {
    prepare: ({ fails }) => fails.set('hub create', unavailable()),
  });
  expect(calls).not.toContain('released');
  expect(after?.job).toMatchObject({ reservation: { lane: '', turn: 1 } });
});

describe('a request that is refused', () => {
  const provisionedBefore = requestPartOf(provisioned);
  const typo = { ...queued.desired, service: 'typo', requestId: '018f0000-0000-7000-8000-00000000000f' };
  const move = recordWith({ ...provisioned, desired: typo, job: queued.job, fallback: provisionedBefore });
  const its = { more: { requestId: typo.requestId, service: 'typo' } };

  test('leaves the device provisioned, is dead-lettered, and a check follows', async () => {
    const { after, deadLetters, sent, calls } = await worked(move, its);
    expect(after).toMatchObject({
      desired: provisioned.desired,
      job: null,
      check: {},
      scopes: ['main'],
      refusal: { desired: typo, error: { code: 'service-not-found' } },
    });
    expect(calls).not.toContain('hub remove');
    expect(deadLetters).toEqual(['service-not-found']);
    expect(sent).toMatchObject([{ requestId: provisioned.desired.requestId, service: 'main' }]);
  });

  test('is dead-lettered by the redelivery, if the worker died before', async () => {
    const first = await worked(move, its);
    const again = await worked(first.after, its);
    expect(again.deadLetters).toHaveLength(1);
    // The worker may have died before it published the next job, too.
    expect(again.sent).toEqual(first.sent);
    expect(again.after).toMatchObject({ check: first.after?.check, desired: provisioned.desired });
  });

  test('is requested again by an operator who resends the dead letter', async () => {
    const { after } = await worked(move, its);
    const resent = await worked(after, { ...its, enqueuedAt: now + 2 * minutes });
    expect(resent.deadLetters).toEqual([]);
    expect(resent.after).toMatchObject({ desired: typo, job: {}, replays: 1 });
    expect(resent.after?.fallback).toMatchObject({ desired: provisioned.desired });
  });
});

describe('a device that balena does not have yet, or has no service of', () => {
  const empty = {
    fleet: 'my_org/one',
    scopes: new Map([['', { ownerId: 1, variables: {} }]]),
    foreignServices: [],
  };
  const announced = { ...queued, desired: { ...queued.desired, announced: true as const } };
  const without = (found: typeof empty | null) => (system: ReturnType<typeof workerDependencies>) => {
    system.deps.balena.findDevice = async () => found;
  };

  test.each([
    ['device-not-found', null, []],
    ['service-not-found', empty, ['service-not-found']],
  ] as const)(
    '%s: is tried four times within a minute or so, and then fails for good',
    async (code, found, reasons) => {
      let record: DeviceRecord = announced;
      let waitedMs = 0;
      for (let tries = 0; tries < 4; tries += 1) {
        const more = { generation: record.job!.generation };
        const { after, deadLetters } = await worked(record, { prepare: without(found), more });
        expect(deadLetters).toEqual([]);
        expect(after).toMatchObject({ error: { code }, quickTries: tries + 1, retries: 0, attempts: 0 });
        waitedMs += after!.job!.due - now;
        record = { ...after!, job: { ...after!.job!, due: now } };
      }
      expect(waitedMs).toBeGreaterThan(37_000);
      expect(waitedMs).toBeLessThan(76_000);
      const more = { generation: record.job!.generation };
      const { after, deadLetters } = await worked(record, { prepare: without(found), more });
      // Requests for random UUIDs must not fill the dead-letter queue.
      expect(deadLetters).toEqual(reasons);
      expect(after?.job?.dead).toBeDefined();
    },
  );

  test.each([
    ['an unknown device fails at once: the caller may have invented the UUID', queued, null, true],
    ['an announced device is tried again', announced, null, false],
    ['a device without services is tried again', queued, empty, false],
  ])('%s', async (_, record, found, isDead) => {
    const { after } = await worked(record, { prepare: without(found) });
    expect(after?.job?.dead !== undefined).toBe(isDead);
  });

  test('a check of an unknown device is tried again: an event has announced the device', async () => {
    const dead = { ...queued.job!, dead: { at: now, unknown: true as const } };
    const generation = queued.lastGeneration + 1;
    const check = { generation, due: now };
    const record = { ...queued, job: dead, check, lastGeneration: generation };
    const { after } = await worked(record, { prepare: without(null), more: { generation } });
    expect(after).toMatchObject({ check: { due: expect.any(Number) }, quickTries: 1 });
  });

  test('a caller who repeats a request for an unknown device is looked up again after 5 s, and then 10 s', async () => {
    const { after } = await worked(queued, { prepare: without(null) });
    expect(after).toMatchObject({ job: { dead: { unknown: true } }, coolDownUntil: now + 5_000 });
    const again = { ...queued, failures: 1 };
    const { after: second } = await worked(again, { prepare: without(null) });
    expect(second?.coolDownUntil).toBe(now + 10_000);
  });

  test('is not waited for if it was there before, or has other services', async () => {
    const seen = { ...queued, observed: { ...queued.observed, fleet: 'my_org/one' } };
    expect((await worked(seen, { prepare: without(null) })).deadLetters).toEqual(['device-not-found']);
    const typo = { ...queued, desired: { ...queued.desired, service: 'typo' } };
    expect((await worked(typo)).deadLetters).toEqual(['service-not-found']);
  });

  test('is provisioned when its services come, and the tries are forgotten', async () => {
    const { after } = await worked({ ...queued, quickTries: 3 });
    expect(after).toMatchObject({ quickTries: 0, job: null, observed: { service: 'main' } });
  });
});

test('a check finds after a day that somebody has deleted the identity, and registers the certificate again', async () => {
  const observed = { ...provisioned.observed, hubSeenAt: now - 86_400_001 };
  const { calls, after } = await worked(
    { ...provisioned, observed, check: { generation: 1, due: now } },
    {
      prepare: ({ deps }) => {
        deps.settings = { ...deps.settings, hubHost: 'our-hub' };
      },
    },
  );
  expect(calls.filter((call) => call.startsWith('hub'))).toEqual(['hub get', 'hub create']);
  expect(after).toMatchObject({ check: null, observed: { hubHost: 'our-hub', hubSeenAt: now } });
});

describe('a run that fails', () => {
  test('is tried again, and the message of the next job is sent', async () => {
    const { after, sent } = await worked(queued, {
      prepare: ({ fails }) => fails.set('hub create', unavailable()),
    });
    expect(after).toMatchObject({ job: { generation: after!.lastGeneration }, attempts: 1, retries: 1 });
    expect(after?.lease).toBeNull();
    expect(sent).toMatchObject([{ generation: after!.lastGeneration, at: after!.job!.due }]);
  });

  test('with a write that may still take effect, is not tried again before the lease has run out', async () => {
    const { after } = await worked(queued, {
      prepare: ({ fails }) => fails.set('hub create', unavailable({ outcomeUnknown: true })),
    });
    expect(after).toMatchObject({
      lease: { unresolved: true, until: now + 2 * minutes },
      observed: { hub: 'unknown' },
    });
    expect(after?.job?.due).toBeGreaterThanOrEqual(now + 2 * minutes);
  });

  test('without an answer from balena, leaves the state of the hub known, also after the unresolved lease', async () => {
    const late = new ProvisioningError('timed-out', 'No answer.', {
      dependency: 'balena',
      outcomeUnknown: true,
    });
    const { after } = await worked(queued, {
      prepare: ({ deps }) => {
        deps.balena.store = async () => {
          throw late;
        };
      },
    });
    expect(after).toMatchObject({ attempts: 1, lease: { unresolved: true }, observed: { thumbprint: null } });
    expect(after?.observed.hub).toEqual([expect.any(String), expect.any(String)]);
    expect(leaseExpired(after!, { now: now + 10 * minutes }).observed.hub).toEqual(after?.observed.hub);
  });

  test('whose record was lost meanwhile, is made again with everything that the record said', async () => {
    const revoking = {
      ...queued,
      desired: { ...queued.desired, retire: [thumbprint], revoke: [thumbprint] },
    };
    const { after, sent } = await worked(revoking, {
      prepare: ({ deps, table }) => {
        deps.balena.store = async () => {
          await table.remove({ partition: uuid.slice(0, 2), row: uuid });
          throw unavailable();
        };
      },
    });
    expect(after).toMatchObject({
      desired: revoking.desired,
      job: { generation: after!.lastGeneration },
      scopes: ['main'],
      error: { code: 'hub-unavailable' },
    });
    expect(sent).toMatchObject([{ generation: after?.lastGeneration }]);
  });

  test('for good, is dead-lettered', async () => {
    const { after, deadLetters } = await worked({
      ...queued,
      desired: { ...queued.desired, service: 'other' },
    });
    expect(after?.job?.dead).toBeDefined();
    expect(deadLetters).toEqual(['service-not-found']);
  });

  test.each([
    [1, false],
    [2, true],
  ])('and counts, after %d attempts: dead is %s', async (attempts, isDead) => {
    const { after } = await worked(
      { ...queued, attempts },
      { prepare: ({ fails }) => fails.set('find', new ProvisioningError('timed-out', 'No answer.')) },
    );
    expect(after?.job?.dead !== undefined).toBe(isDead);
  });

  test('because the hub throttles, delays all registry operations', async () => {
    const error = new ProvisioningError('hub-throttled', 'Too many.', { retryAfterMs: 7_000 });
    const { calls, after } = await worked(queued, { prepare: ({ fails }) => fails.set('hub create', error) });
    expect(calls).toContain('delayed 7000');
    expect(after?.job?.due).toBeGreaterThanOrEqual(now + 7_000);
  });

  test('because our key is refused, opens the circuit: the next message waits, and no call is made', async () => {
    const error = new ProvisioningError('balena-unauthorized', 'Refused.');
    const system = workerDependencies(now);
    await system.put(queued);
    system.fails.set('find', error);
    await processMessage(system.deps, system.message(message), system.delivery());
    const { job, desired } = await system.record(uuid);
    system.calls.length = 0;
    const next = system.message({ uuid, generation: job!.generation, requestId: desired.requestId });
    await processMessage(system.deps, next, system.delivery());
    expect(system.calls).toEqual([]);
    expect(await system.record(uuid)).toMatchObject({ attempts: 0, lease: null });
    expect(system.sent).toHaveLength(2);
    expect((await system.record(uuid)).job!.generation).toBe(job!.generation + 1);
  });

  test('without its lease, writes no findings, and has the device compared again', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    const { deps } = system;
    const takenOver = { by: 'another', until: now + minutes, generation: 0, lateUntil: now + minutes };
    const balena = {
      ...deps.balena,
      async findDevice() {
        await deps.records.amend(uuid, (record) => record && { ...record, lease: takenOver, scopes: [] });
        return deps.balena.findDevice(uuid);
      },
    };
    await processMessage({ ...deps, balena }, system.message(message), system.delivery());
    const after = await system.record(uuid);
    expect(after).toMatchObject({ lease: takenOver, observed: { hub: 'unknown', thumbprint: null } });
    expect(after.scopes).toEqual(['main']);
    expect(system.sent).toMatchObject([{ generation: after.lastGeneration }]);
  });

  test('without its lease, and without the outcome of a write, says until when that write may take effect', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    const { deps } = system;
    const takenOver = { by: 'another', until: now + minutes, generation: 0, lateUntil: now + minutes };
    const hub = {
      ...deps.hub,
      async create() {
        await deps.records.amend(uuid, (record) => record && { ...record, lease: takenOver, scopes: [] });
        throw new ProvisioningError('timed-out', 'No answer.', { outcomeUnknown: true, dependency: 'hub' });
      },
    };
    await processMessage({ ...deps, hub }, system.message(message), system.delivery());
    expect(await system.record(uuid)).toMatchObject({
      lease: takenOver,
      late: { until: now + deps.settings.leaseGraceMs, scopes: ['main'] },
    });
  });

  test('without its lease, records no further scopes, and calls the hub no more', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    const { deps } = system;
    const { certificate, privateKey } = await deps.mint(uuid, now);
    const variables = {
      AZURE_CERT: { id: 1, value: certificate },
      AZURE_PRIVATE_KEY: { id: 2, value: privateKey },
    };
    const balena = {
      ...deps.balena,
      async findDevice() {
        const lease = { by: 'another', until: now + minutes, generation: 0, lateUntil: now + minutes };
        await deps.records.amend(uuid, (record) => record && { ...record, lease });
        const empty = { ownerId: 2, variables: {} };
        return {
          fleet: 'f',
          scopes: new Map([['', { ownerId: 1, variables }] as const, ['main', empty] as const]),
          foreignServices: [],
        };
      },
    };
    await processMessage({ ...deps, balena }, system.message(message), system.delivery());
    expect((await system.record(uuid)).scopes).toEqual(['main']);
    expect(system.calls).not.toContain('hub create');
  });

  test('while a newer request was made, leaves the job of that request alone', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    const { deps } = system;
    const newer = { generation: 8, due: now };
    const balena = {
      ...deps.balena,
      async findDevice() {
        await deps.records.amend(uuid, (record) => record && { ...record, job: newer, lastGeneration: 8 });
        return deps.balena.findDevice(uuid);
      },
    };
    await processMessage({ ...deps, balena }, system.message(message), system.delivery());
    expect((await system.record(uuid)).job).toEqual(newer);
  });

  test('after its job was cancelled, does not open the job', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    const { deps } = system;
    const dead = { at: now, cancelled: true };
    const balena = {
      ...deps.balena,
      async findDevice() {
        await deps.records.amend(uuid, (record) => record && { ...record, job: { ...record.job!, dead } });
        throw unavailable();
      },
    };
    await processMessage({ ...deps, balena }, system.message(message), system.delivery());
    expect((await system.record(uuid)).job).toMatchObject({ generation: 1, dead });
    expect(system.deadLetters).toHaveLength(1);
  });
});

describe('a failure of one device', () => {
  /** Works until the job ends or waits for an open circuit. The message of each next job is delivered when it is due. */
  async function workOff(system: ReturnType<typeof workerDependencies>) {
    for (let delivered = 0; delivered < 20; delivered += 1) {
      const { job, desired } = await system.record(uuid);
      if (!job || job.dead) return;
      system.clock.at = Math.max(system.clock.at, job.due);
      const next = system.message({ uuid, generation: job.generation, requestId: desired.requestId });
      await processMessage(system.deps, next, system.delivery());
    }
  }
  const failing = (name: string, error: ProvisioningError) => {
    const system = workerDependencies(now);
    system.failsAlways.set(name, error);
    return system;
  };
  const refused = new ProvisioningError('balena-write-refused', 'Refused.');

  test('is counted while the dependency answers pings, ends as a dead letter, and opens no circuit', async () => {
    const system = failing('store AZURE_CERT', new ProvisioningError('balena-unavailable', 'A 500.'));
    await system.put(queued);
    await workOff(system);
    expect(system.deadLetters).toEqual(['balena-unavailable']);
    expect(system.calls.filter((call) => call === 'ping')).toHaveLength(3);
    expect((await system.deps.circuits.balena.read()).state).toBe('closed');
  });

  test('is not counted while the dependency does not answer pings either', async () => {
    const system = failing('find', new ProvisioningError('balena-unavailable', 'A 503.'));
    system.failsAlways.set('ping', new ProvisioningError('balena-unavailable', 'A 503.'));
    await system.put(queued);
    await workOff(system);
    expect(await system.record(uuid)).toMatchObject({ attempts: 0, error: { code: 'balena-unavailable' } });
    expect((await system.deps.circuits.balena.read()).state).toBe('open');
  });

  test.each([
    ['a throttled ping', new ProvisioningError('hub-throttled', 'Busy.', { retryAfterMs: 1_000 }), 'closed'],
    ['a refused ping', new ProvisioningError('hub-unauthorized', 'Refused.'), 'open'],
  ])('with %s', async (_, error, state) => {
    const system = failing('hub create', unavailable());
    system.failsAlways.set('hub ping', error);
    await system.put(queued);
    await processMessage(system.deps, system.message(message), system.delivery());
    expect((await system.deps.circuits.hub.read()).state).toBe(state);
    // A ping of the hub is a registry operation.
    expect(system.calls).toContain('charged');
  });

  test('whose writes are refused costs one registry operation, names its fleet, and ends as a dead letter', async () => {
    const system = failing('store AZURE_CERT', refused);
    system.failsAlways.set('add AZURE_CERT', refused);
    await system.put(queued);
    await workOff(system);
    expect(system.calls.filter((call) => call.startsWith('hub '))).toEqual(['hub create']);
    expect(system.calls.filter((call) => call === 'add AZURE_CERT')).toHaveLength(2);
    expect(system.calls).not.toContain('ping');
    expect(system.deadLetters).toEqual(['balena-write-refused']);
    expect((await system.record(uuid)).error?.message).toContain('my_org/one');
  });

  test('whose writes are allowed again is provisioned, the certificate first, and the key after the hub', async () => {
    const system = failing('store AZURE_CERT', refused);
    await system.put(queued);
    await processMessage(system.deps, system.message(message), system.delivery());
    system.failsAlways.clear();
    system.calls.length = 0;
    await workOff(system);
    const calls = system.calls.filter((call) => /add|store|hub/.test(call));
    expect(calls).toEqual(['add AZURE_CERT', 'hub update', 'store AZURE_PRIVATE_KEY']);
    expect(await system.record(uuid)).toMatchObject({ job: null, observed: { service: 'main' } });
    expect((await system.record(uuid)).observed.writeRefused).toBeUndefined();
  });

  test('whose writes are refused closes the circuit as its probe: balena works', async () => {
    const system = failing('store AZURE_CERT', refused);
    const { balena } = system.deps.circuits;
    const key = new ProvisioningError('balena-unauthorized', 'Refused.');
    await balena.failed(key, { id: 'another', uuid: 'another', isSuspect: false }, async () => null);
    system.clock.at += 10_000;
    await system.put(queued);
    await processMessage(system.deps, system.message(message), system.delivery());
    expect(await system.record(uuid)).toMatchObject({ error: { code: 'balena-write-refused' } });
    expect((await balena.read()).state).toBe('closed');
  });

  test('whose removal is refused costs one registry operation', async () => {
    const system = failing('remove', refused);
    const variables = { AZURE_CERT: { id: 1, value: 'x' } };
    const found = { fleet: 'my_org/one', foreignServices: [] };
    const balena = {
      ...system.deps.balena,
      findDevice: async () => ({ ...found, scopes: new Map([['main', { ownerId: 2, variables }] as const]) }),
    };
    Object.assign(system.deps, { balena });
    const desired = { ...provisioned.desired, present: false, service: null };
    await system.put(recordWith({ ...provisioned, desired, job: queued.job }));
    await workOff(system);
    expect(system.calls.filter((call) => call === 'hub remove')).toHaveLength(1);
    expect(system.deadLetters).toEqual(['balena-write-refused']);
  });
});

describe('no call starts after the time for work', () => {
  test('the run ends, and is tried again', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    const { deps } = system;
    const balena = {
      ...deps.balena,
      async findDevice() {
        const found = await deps.balena.findDevice(uuid);
        system.clock.at += minutes;
        return found;
      },
    };
    await processMessage({ ...deps, balena }, system.message(message), system.delivery());
    expect(system.calls).not.toContain('hub create');
    expect((await system.record(uuid)).error?.code).toBe('timed-out');
  });

  test('nor is a call repeated', async () => {
    const system = workerDependencies(now);
    await system.put(queued);
    let tries = 0;
    const deps = {
      ...system.deps,
      retryTransient: async <R>(call: () => Promise<R>) => {
        try {
          return await call();
        } catch {
          tries += 1;
          system.clock.at += minutes;
          return call();
        }
      },
    };
    system.fails.set('find', unavailable());
    await processMessage(deps, system.message(message), system.delivery());
    expect(tries).toBe(1);
    expect(system.calls.filter((call) => call === 'find')).toHaveLength(1);
  });
});

describe('a record that the table refuses for its size', () => {
  /** The stored record has room for a dead job only without its history. */
  const long = (characters: number): DeviceRecord => ({
    ...queued,
    history: [{ at: now, type: 'ran', note: 'n'.repeat(characters) }],
  });
  const room = 32_768 - JSON.stringify({ ...long(0), listed: {}, stamp: '' }).length;

  test.each([
    ['at the lease', 140, []],
    ['at the end of the run', 450, ['hub create']],
  ])(
    'ends the work for good %s, with a dead letter, and without a throw that repeats the delivery',
    async (_, left, hubCalls) => {
      const { thrown, after, deadLetters, calls } = await worked(long(room - left));
      expect(thrown).toBeUndefined();
      expect(after).toMatchObject({ error: { code: 'record-too-large' }, job: { dead: { at: now } } });
      expect([after?.history.length, deadLetters]).toEqual([1, ['record-too-large']]);
      expect(calls.filter((call) => call.startsWith('hub'))).toEqual(hubCalls);
    },
  );

  test('does not come to pass by texts of other systems: errors and notes are short, without control characters', async () => {
    const { after } = await worked(queued, {
      prepare: ({ fails }) =>
        fails.set('find', new ProvisioningError('balena-rejected', '\u0000\n'.repeat(30_000))),
    });
    expect(after?.error?.code).toBe('balena-rejected');
    expect(JSON.stringify(after).length).toBeLessThan(3_000);
    expect(JSON.stringify(after)).not.toMatch(/\\u00|\\n/);
  });

  test('does not come to pass by requests for many services of a device that balena does not have', async () => {
    const record = { ...queued, quickTries: 4, scopes: ['a', 'b', 'main'] };
    const { after } = await worked(record, {
      prepare: ({ deps }) => {
        deps.balena.findDevice = async () => null;
      },
    });
    expect(after).toMatchObject({ job: { dead: { unknown: true } }, scopes: [] });
  });
});
