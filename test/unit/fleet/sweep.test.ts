import { fleetPageSize } from '../../../src/balena/listing.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import { newRecord } from '../../../src/device/transitionParts.js';
import { planSweep, type SweepOptions, type SweepProgress, sweep } from '../../../src/fleet/sweep.js';
import { openPosition, type PositionRow } from '../../../src/storage/timerRows.js';
import { collect } from '../../support/collect.js';
import {
  credentialsOf,
  day,
  fleet,
  fleetDependencies,
  longAgo,
  now,
  provisionedRecord,
  uuidOf,
} from '../../support/fleetTools.js';
import { memoryTable } from '../../support/memoryTable.js';

const options: SweepOptions = { fleets: [fleet], service: 'main' };
const [one, two, three, four] = [1, 2, 3, 4].map(uuidOf) as [string, string, string, string];
const credentials = await credentialsOf(one);
const held = (certificate = credentials.certificate) => ({ main: certificate });
const error = (code: 'device-not-found') => ({ code, step: null, message: '', at: longAgo });

test('a device without credentials that was never asked for is asked for', async () => {
  const { deps, add, requested, record } = fleetDependencies();
  add(one);
  expect(await sweep(deps, options)).toMatchObject({ devices: 1, requested: 1, finished: true });
  expect(await requested()).toEqual([`${one} change`]);
  expect((await record(one)).desired).toMatchObject({ present: true, service: 'main' });
});

test('running it again finds nothing to do', async () => {
  const { deps, add, sent } = fleetDependencies();
  add(one);
  await sweep(deps, options);
  expect(await sweep(deps, options)).toMatchObject({ devices: 1, records: 1, requested: 0 });
  expect(sent).toHaveLength(1);
});

test('two runs at the same time make one request', async () => {
  const { deps, add, requested, sent } = fleetDependencies();
  add(one);
  await Promise.all([sweep(deps, options), sweep(deps, options)]);
  expect(await requested()).toEqual([`${one} change`]);
  expect(new Set(sent.map(({ messageId }) => messageId)).size).toBe(1);
});

test('a device that holds something that no record knows of is left alone: that is for an audit', async () => {
  const { deps, add, sent } = fleetDependencies();
  add(one, held());
  add(two, { main: 'whatever' });
  expect(await sweep(deps, options)).toMatchObject({ devices: 2, requested: 0 });
  expect(sent).toEqual([]);
});

test('a device that was asked to be deprovisioned is not provisioned again', async () => {
  const { deps, add, put, sent } = fleetDependencies();
  add(one);
  const record = provisionedRecord(one, credentials);
  await put({
    ...record,
    desired: { ...record.desired, present: false, service: null },
    observed: { ...record.observed, thumbprint: null, service: null, hub: 'none' },
    scopes: [],
  });
  expect(await sweep(deps, options)).toMatchObject({ requested: 0 });
  expect(sent).toEqual([]);
});

/** The record of a device with an own key. @param issued the issued certificate that stays */
const withOwnKey = (u: string, issued?: string, more: Partial<DeviceRecord> = {}): DeviceRecord => {
  const own = {
    thumbprint: 'C'.repeat(64),
    before: null,
    notBefore: 0,
    notAfter: 1,
    keyAlgorithm: 'ec-p256',
    key: 'K',
  };
  const record = provisionedRecord(u, credentials, {
    ...{ thumbprint: own.thumbprint, service: null },
    ...(issued && { issued: { thumbprint: issued, until: now + day } }),
  });
  return { ...record, desired: { ...record.desired, service: null, own }, ...more };
};

type Case = [
  string,
  (uuid: string) => DeviceRecord,
  Record<string, string> | null,
  string | null,
  foreign?: Record<string, string>,
];
test.each<Case>([
  ['holds what its record says', (u) => provisionedRecord(u, credentials), held(), null],
  [
    'holds it in a service of another application, too',
    (u) => provisionedRecord(u, credentials),
    held(),
    'variables-in-foreign-service',
    held(),
  ],
  [
    'holds it in a service of another application only',
    (u) => provisionedRecord(u, credentials),
    {},
    'variables-missing',
    held(),
  ],
  ['has an own key, and no variables', withOwnKey, {}, null],
  ['has an own key, and variables that nobody wants', (u) => withOwnKey(u), held(), 'variables-left'],
  [
    'has an own key, and an issued certificate that stays',
    (u) => withOwnKey(u, credentials.thumbprint),
    held(),
    null,
  ],
  [
    'is gone, while a check is planned for the end of its issued certificate',
    (u) => withOwnKey(u, credentials.thumbprint, { check: { generation: 1, due: now + day } }),
    null,
    'gone',
  ],
  ['has lost its variables', (u) => provisionedRecord(u, credentials), {}, 'variables-missing'],
  [
    'holds them at another place only',
    (u) => provisionedRecord(u, credentials),
    { relay: held().main },
    'variables-missing',
  ],
  [
    'holds a certificate of another',
    (u) => provisionedRecord(u, credentials),
    held('whatever'),
    'variables-missing',
  ],
  [
    'holds another certificate',
    (u) => provisionedRecord(u, { ...credentials, thumbprint: 'B'.repeat(64) }),
    held(),
    'variables-differ',
  ],
  ['is gone from balena', (u) => provisionedRecord(u, credentials), null, 'gone'],
  [
    'is gone, which its record knows',
    (u) =>
      provisionedRecord(
        u,
        credentials,
        { thumbprint: null, hub: 'none' },
        { error: error('device-not-found') },
      ),
    null,
    null,
  ],
  [
    'is gone from a fleet that is not swept',
    (u) => provisionedRecord(u, credentials, { fleet: 'other/fleet' }),
    null,
    null,
  ],
  [
    'is being worked on',
    (u) => provisionedRecord(u, credentials, {}, { job: { generation: 9, due: now } }),
    {},
    null,
  ],
  [
    'has failed for good, and is gone from balena',
    (u) => provisionedRecord(u, credentials, {}, { job: { generation: 9, due: now, dead: { at: longAgo } } }),
    null,
    'gone',
  ],
  [
    'was looked at a moment ago',
    (u) => provisionedRecord(u, credentials, { verifiedAt: now - 60_000 }),
    {},
    null,
  ],
  [
    'was to be without variables, and has some',
    (u) => {
      const record = provisionedRecord(u, credentials, { thumbprint: null, hub: 'none' });
      return { ...record, desired: { ...record.desired, present: false, service: null } };
    },
    held(),
    'variables-left',
  ],
  [
    'has failed for good long ago, and whose cause may be gone',
    (u) =>
      provisionedRecord(
        u,
        credentials,
        {},
        { job: { generation: 9, due: now, dead: { at: longAgo } }, error: error('device-not-found') },
      ),
    {},
    'failed-request',
  ],
  [
    'has failed for good within the last hour',
    (u) =>
      provisionedRecord(
        u,
        credentials,
        {},
        {
          job: { generation: 9, due: now, dead: { at: longAgo } },
          error: { ...error('device-not-found'), at: now - 1_800_000 },
        },
      ),
    {},
    null,
  ],
  [
    'was ended by an operator',
    (u) =>
      provisionedRecord(
        u,
        credentials,
        {},
        { job: { generation: 9, due: now, dead: { at: longAgo, cancelled: true } } },
      ),
    {},
    null,
  ],
  [
    'was outside the served fleets, and is back',
    (u) => provisionedRecord(u, credentials, { outside: { since: longAgo, sightings: 2, isHandled: true } }),
    held(),
    'came-back',
  ],
  [
    'was checked a moment ago, without success',
    (u) =>
      provisionedRecord(u, credentials, {}, { error: { ...error('device-not-found'), at: now - 60_000 } }),
    {},
    null,
  ],
])('a device that %s: %#', async (_, record, certificates, why, foreign = {}) => {
  const { deps, add, put, requested } = fleetDependencies();
  await put(record(one));
  if (certificates) add(one, certificates, undefined, foreign);
  const plan = await collect(planSweep(deps, options));
  expect(plan).toEqual(why ? [expect.objectContaining({ uuid: one, act: 'check', why })] : []);
  expect(await requested()).toEqual([]);

  const report = await sweep(deps, options);
  expect(Object.entries(report.checked).filter(([, index]) => index > 0)).toEqual(why ? [[why, 1]] : []);
  expect(await requested()).toEqual(
    why ? [`${one} ${record(one).desired.present ? 'check' : 'remove'}`] : [],
  );
});

describe('where many records of a fleet look gone,', () => {
  /** Records of a fleet without its first devices in balena, and a record of a deleted device of another fleet. */
  async function system(count: number, gone: number) {
    const made = fleetDependencies();
    for (let index = 0; index < count; index += 1) {
      // Recently verified devices are left alone if balena still has the device.
      await made.put(
        provisionedRecord(uuidOf(index), credentials, { verifiedAt: index < gone ? longAgo : now }),
      );
      if (index >= gone) made.add(uuidOf(index), held());
    }
    await made.put(provisionedRecord(uuidOf(5_000), credentials, { fleet: 'my_org/two' }));
    return made;
  }
  const both = { ...options, fleets: [fleet, 'my_org/two'] };

  test('and no more than a tenth, workers look at them', async () => {
    const { deps, sent } = await system(300, 30);
    expect(await sweep(deps, both)).toMatchObject({ checked: { gone: 31 }, guarded: [] });
    expect(sent).toHaveLength(31);
  });

  test('and no more than 20, workers look at them', async () => {
    const { deps } = await system(20, 20);
    expect(await sweep(deps, both)).toMatchObject({ checked: { gone: 21 }, guarded: [] });
  });

  test('more than a tenth, no worker looks at any of them, but at those of other fleets', async () => {
    const { deps, requested } = await system(300, 31);
    const held = [{ fleet, gone: 31, records: 300, why: 'many' }];
    expect(await sweep(deps, both)).toMatchObject({ checked: { gone: 1 }, guarded: held, finished: true });
    expect(await requested()).toEqual([`${uuidOf(5_000)} check`]);
  });

  test('workers look at them all the same if that is allowed', async () => {
    const { deps, sent } = await system(300, 31);
    expect(await sweep(deps, { ...both, allowGone: true })).toMatchObject({
      checked: { gone: 32 },
      guarded: [],
    });
    expect(sent).toHaveLength(32);
  });

  test('a plan says so, too', async () => {
    const { deps } = await system(300, 31);
    let progress: SweepProgress | undefined;
    const onProgress = (so: SweepProgress) => {
      progress = so;
    };
    const plan = await collect(planSweep(deps, { ...both, onProgress }));
    expect(plan.map(({ uuid }) => uuid)).toEqual([uuidOf(5_000)]);
    expect(progress).toMatchObject({ checked: { gone: 1 }, guarded: [{ fleet, gone: 31 }] });
    expect(await collect(planSweep(deps, { ...both, allowGone: true }))).toHaveLength(32);
  });

  test('a run that is ended judges by what it has looked at', async () => {
    const { deps, sent } = await system(1_000, 501);
    const controller = new AbortController();
    const ended = { ...both, signal: controller.signal, onProgress: () => controller.abort() };
    expect(await sweep(deps, ended)).toMatchObject({ finished: false, guarded: [{ fleet, gone: 500 }] });
    expect(sent).toEqual([]);
  });

  test('a run that is ended has workers look at the few that are gone: the next run goes on behind them', async () => {
    const { deps, requested } = await system(1_000, 20);
    const controller = new AbortController();
    const ended = { ...both, signal: controller.signal, onProgress: () => controller.abort() };
    expect(await sweep(deps, ended)).toMatchObject({ finished: false, checked: { gone: 20 }, guarded: [] });
    expect(await requested()).toHaveLength(20);
  });
});

test('devices of another hub are checked at the rate of our hub', async () => {
  const { deps, add, put, record } = fleetDependencies();
  for (const [uuid, hubHost] of [
    [one, 'old-hub'],
    [two, 'old-hub'],
    [three, 'our-hub'],
  ] as const) {
    const own = await credentialsOf(uuid);
    await put(provisionedRecord(uuid, own, { hubHost }));
    add(uuid, held(own.certificate));
  }
  const report = await sweep(deps, { ...options, hubHost: 'our-hub', operationsPerMinute: 60 });
  expect(report.checked).toMatchObject({ 'other-hub': 2 });
  expect((await record(one)).check?.due).toBe(now + 1_000);
  expect((await record(two)).check?.due).toBe(now + 2_000);
  expect((await record(three)).check).toBeNull();
});

describe('where the key does not see a fleet any more,', () => {
  const both = { ...options, fleets: [fleet, 'my_org/two'] };
  async function hidden() {
    const made = fleetDependencies();
    await made.put(provisionedRecord(one, credentials));
    await made.put(provisionedRecord(two, credentials, { fleet: 'my_org/two' }));
    made.add(three, {}, 'my_org/two');
    made.hide(fleet);
    return made;
  }

  test('nothing of that fleet is taken for gone, and the other fleets are swept', async () => {
    const { deps, requested } = await hidden();
    expect(await sweep(deps, both)).toMatchObject({
      invisible: [fleet],
      guarded: [{ fleet, gone: 1, records: 1, why: 'not-visible' }],
      finished: true,
    });
    expect(await requested()).toEqual([`${three} change`, `${two} check`]);
  });

  test('an operator can confirm that the fleet was deleted: the workers are told so', async () => {
    const { deps, record } = await hidden();
    expect(await sweep(deps, { ...both, allowGone: true })).toMatchObject({ guarded: [] });
    expect((await record(one)).check).toMatchObject({ notice: 'fleet-deleted' });
    expect((await record(two)).check).toMatchObject({ notice: 'outside' });
  });

  test('an operator need not wait ten minutes after the last failure to confirm this', async () => {
    const { deps, record, put } = await hidden();
    const recent = provisionedRecord(one, credentials, { verifiedAt: now - 1_000 });
    await put(recent);
    expect(await sweep(deps, both)).toMatchObject({ checked: { gone: 1 } });
    expect((await record(one)).check).toBeNull();
    expect(await sweep(deps, { ...both, allowGone: true })).toMatchObject({ checked: { gone: 1 } });
    expect((await record(one)).check).toMatchObject({ notice: 'fleet-deleted' });
  });
});

describe('a device that has left the served fleets', () => {
  const moved = (uuid: string, more = {}) =>
    provisionedRecord(uuid, credentials, {
      fleet: 'other/fleet',
      servedFleet: fleet,
      outside: { since: longAgo, sightings: 1, isHandled: false },
      ...more,
    });

  test('is looked at by every sweep until its identity is handled', async () => {
    const { deps, put, record } = fleetDependencies();
    await put(moved(one));
    await put(moved(two, { outside: { since: longAgo, sightings: 2, isHandled: true }, hub: 'none' }));
    expect(await sweep(deps, options)).toMatchObject({ checked: { outside: 1 }, guarded: [] });
    expect((await record(one)).check).toMatchObject({ notice: 'outside' });
  });

  test('is guarded with many others that have left the same fleet', async () => {
    const { deps, put, add, sent } = fleetDependencies();
    for (let index = 0; index < 100; index += 1) {
      const uuid = uuidOf(index);
      await put(index < 30 ? moved(uuid) : provisionedRecord(uuid, credentials, { verifiedAt: now }));
      if (index >= 30) add(uuidOf(index), held());
    }
    expect(await sweep(deps, options)).toMatchObject({
      checked: { outside: 0 },
      guarded: [{ fleet, gone: 30, records: 100, why: 'many' }],
    });
    expect(sent).toEqual([]);
  });

  test('because FLEETS has lost the fleet, keeps its identity until an operator confirms', async () => {
    const { deps, put, add, sent } = fleetDependencies();
    const dropped = 'my_org/two';
    await put(provisionedRecord(one, credentials, { fleet: dropped, servedFleet: dropped }));
    add(one, held(), dropped);
    expect(await sweep(deps, options)).toMatchObject({
      checked: { outside: 0 },
      guarded: [{ fleet: dropped, gone: 1, records: 1, why: 'not-served' }],
    });
    expect(sent).toEqual([]);
    const confirmed = { ...options, fleets: [dropped], served: [fleet], allowGone: true };
    expect(await sweep(deps, confirmed)).toMatchObject({ checked: { outside: 1 }, guarded: [] });
  });

  test('is left to the sweep of its own fleet', async () => {
    const { deps, put, sent } = fleetDependencies();
    await put(moved(one));
    await sweep(deps, { ...options, fleets: ['my_org/three'], served: [fleet, 'my_org/three'] });
    expect(sent).toEqual([]);
  });
});

test('several fleets are swept side by side, with a request for each page, and one more for an empty page', async () => {
  const { deps, add, requests } = fleetDependencies();
  for (let index = 0; index < fleetPageSize + 1; index += 1) add(uuidOf(index * 2), held());
  for (let index = 0; index < 5; index += 1) add(uuidOf(index * 2 + 1), held(), 'my_org/two');
  const report = await sweep(deps, { ...options, fleets: [fleet, 'my_org/two', 'my_org/empty'] });
  expect(report).toMatchObject({ devices: fleetPageSize + 6, requested: 0, finished: true });
  expect(requests.sort()).toEqual([
    'list my_org/empty',
    ...Array(2).fill(`list ${fleet}`),
    'list my_org/two',
    'seesFleet',
  ]);
});

test('a sweep that is ended goes on where it was, also in another process', async () => {
  const { deps, add, sent, clock } = fleetDependencies();
  for (let index = 0; index < 1_200; index += 1) add(uuidOf(index));
  const positions = memoryTable<PositionRow>();
  const run = (signal?: AbortSignal) => {
    const controller = new AbortController();
    return sweep(
      deps,
      { ...options, signal: signal ?? controller.signal },
      openPosition(positions, 'sweep', clock),
    );
  };
  const controller = new AbortController();
  const first = await sweep(
    deps,
    { ...options, signal: controller.signal, onProgress: () => controller.abort() },
    openPosition(positions, 'sweep', clock),
  );
  expect(first).toMatchObject({ finished: false, requested: 500 });
  expect(sent).toHaveLength(500);
  expect(await openPosition(positions, 'sweep', clock).read()).toBe(uuidOf(499));
  expect(await run()).toMatchObject({ finished: true, requested: 700, devices: 700 });
  expect(new Set(sent.map(({ uuid }) => uuid)).size).toBe(1_200);
  // The next sweep begins at the first device.
  expect(await run()).toMatchObject({ finished: true, requested: 0, devices: 1_200 });
});

test('what was asked for by someone while it ran stands', async () => {
  const { deps, add, put, record, sent } = fleetDependencies();
  add(one);
  const { summaries } = deps.records;
  // The records were read before someone asked for the device's absence.
  deps.records.summaries = async function* (where) {
    yield* await collect(summaries(where));
    const desired = { present: false, service: null, requestId: 'r', requestedAt: now };
    await put({
      ...newRecord(one, desired, now),
      observed: { ...newRecord(one, desired, now).observed, hub: 'none' },
    });
  };
  expect(await sweep(deps, options)).toMatchObject({ requested: 0 });
  expect((await record(one)).desired.present).toBe(false);
  expect(sent).toEqual([]);
});

test('what balena asks to wait for is waited for', async () => {
  const { deps, add, clock } = fleetDependencies();
  add(one);
  const { list } = deps.balena;
  let refusals = 2;
  const { ProvisioningError } = await import('../../../src/shared/errors.js');
  deps.balena.list = async (...args) => {
    refusals -= 1;
    if (refusals >= 0)
      throw new ProvisioningError('balena-throttled', '', {
        retryAfterMs: 45_000,
        dependency: 'balena',
      });
    return list(...args);
  };
  expect(await sweep(deps, options)).toMatchObject({ requested: 1 });
  expect(clock.now()).toBe(now + 90_000);
});

test('records in a wrong order end it before anything is taken for gone', async () => {
  const { deps, add, put, sent } = fleetDependencies();
  for (const uuid of [one, two, three, four]) {
    await put(provisionedRecord(uuid, credentials));
    add(uuid, held());
  }
  const { summaries } = deps.records;
  deps.records.summaries = async function* (where) {
    yield* (await collect(summaries(where))).reverse();
  };
  await expect(sweep(deps, options)).rejects.toThrow('out of order');
  expect(sent).toEqual([]);
});
