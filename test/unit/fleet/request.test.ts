import { planFleet, type RequestReport, requestFleet } from '../../../src/fleet/request.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { collect } from '../../support/collect.js';
import {
  credentialsOf,
  fleet,
  fleetDependencies,
  now,
  provisionedRecord,
  uuidOf,
} from '../../support/fleetTools.js';

const options = { fleet, service: 'main' };
const [one, two, three] = [1, 2, 3].map(uuidOf) as [string, string, string];
const credentials = await credentialsOf(one);
const counts = ({ uuids, finished, next, ...progress }: RequestReport) =>
  Object.fromEntries(Object.entries(progress).filter(([, count]) => count > 0));

test('every device of the fleet is requested, and no device of another fleet', async () => {
  const { deps, add, sent, record } = fleetDependencies();
  add(one);
  add(two);
  add(three, {}, 'my_org/two');
  const report = await requestFleet(deps, options);
  expect(counts(report)).toEqual({ devices: 2, requested: 2 });
  expect(report).toMatchObject({ uuids: [one, two], finished: true });
  expect(sent.map(({ uuid }) => uuid)).toEqual([one, two]);
  expect((await record(one)).desired).toMatchObject({ present: true, service: 'main' });
});

test('a repeated request costs two reads for each device, and no message', async () => {
  const { deps, add, sent, table, clock } = fleetDependencies();
  add(one);
  add(two);
  await requestFleet(deps, options);
  clock.at += 1_000;
  table.reads = 0;
  expect(counts(await requestFleet(deps, options))).toEqual({ devices: 2, underWay: 2 });
  expect([table.reads, sent.length]).toEqual([4, 2]);
});

test('onlyMissing skips devices with credentials in any scope', async () => {
  const { deps, add, sent } = fleetDependencies();
  add(one, { relay: credentials.certificate });
  add(two);
  const missing = { ...options, onlyMissing: true };
  expect((await collect(planFleet(deps, missing))).map(({ uuid }) => uuid)).toEqual([two]);
  expect(sent).toEqual([]);
  expect(counts(await requestFleet(deps, missing))).toEqual({ devices: 2, skipped: 1, requested: 1 });
  expect(sent.map(({ uuid }) => uuid)).toEqual([two]);
});

test('provisioned, failed and recently moved devices are counted separately', async () => {
  const { deps, add, put } = fleetDependencies();
  for (const uuid of [one, two, three]) add(uuid);
  await put(provisionedRecord(one, credentials));
  const error = { code: 'service-not-found' as const, step: null, message: '', at: now };
  const dead = { generation: 1, due: now, dead: { at: now } };
  await put(provisionedRecord(two, credentials, {}, { job: dead, error, coolDownUntil: now + 1_000 }));
  const moved = provisionedRecord(three, credentials);
  await put({ ...moved, desired: { ...moved.desired, service: 'other', movedAt: now - 1_000 } });
  expect(counts(await requestFleet(deps, { ...options, move: true }))).toEqual({
    devices: 3,
    alreadyProvisioned: 1,
    failed: 1,
    conflicts: 1,
  });
});

test('a device that failed at another service, and holds nothing, is requested without move; a pending one is not', async () => {
  const { deps, add, put, record } = fleetDependencies();
  const [failed, pending] = [one, two].map((uuid) => {
    add(uuid);
    const { desired, ...rest } = provisionedRecord(uuid, credentials);
    const observed = { ...rest.observed, thumbprint: null, previous: null, service: null };
    return { ...rest, desired: { ...desired, service: 'wrong' }, observed };
  });
  const error = { code: 'service-not-found' as const, step: null, message: '', at: now };
  const coolDownUntil = now + 1_000;
  await put({ ...failed!, job: { generation: 1, due: now, dead: { at: now } }, error, coolDownUntil });
  await put({ ...pending!, job: { generation: 1, due: now } });
  expect((await collect(planFleet(deps, options))).map((each) => each.otherService)).toEqual([null, 'wrong']);
  expect(counts(await requestFleet(deps, options))).toEqual({ devices: 2, requested: 1, atOtherService: 1 });
  expect((await record(one)).desired.service).toBe('main');
});

test('a device with credentials at another service is not requested without move', async () => {
  const { deps, add, put, sent, record, clock } = fleetDependencies();
  for (const uuid of [one, two, three]) add(uuid);
  await put(provisionedRecord(one, credentials));
  const absent = provisionedRecord(two, credentials);
  await put({ ...absent, desired: { ...absent.desired, present: false, service: null } });
  const other = { ...options, service: '' };
  expect(await collect(planFleet(deps, other))).toEqual([
    { uuid: one, otherService: 'main' },
    { uuid: two, otherService: null },
    { uuid: three, otherService: null },
  ]);
  const report = await requestFleet(deps, other);
  expect(counts(report)).toEqual({ devices: 3, atOtherService: 1, requested: 2 });
  expect(report.uuids).toEqual([two, three]);
  expect(sent.map(({ uuid }) => uuid)).toEqual([two, three]);
  expect((await record(one)).desired.service).toBe('main');

  const move = { ...other, move: true };
  expect((await collect(planFleet(deps, move))).map((each) => each.otherService)).toEqual([null, null, null]);
  clock.at += 1_000;
  expect(counts(await requestFleet(deps, move))).toMatchObject({ requested: 1, underWay: 2 });
  expect((await record(one)).desired.service).toBe('');
});

test('after an interruption the report is unfinished, and the next run requests the rest', async () => {
  const { deps, add, sent } = fleetDependencies();
  for (let index = 0; index < 200; index += 1) add(uuidOf(index));
  const controller = new AbortController();
  const onProgress = ({ requested }: { requested: number }) => {
    if (requested >= 70) controller.abort();
  };
  const report = await requestFleet(deps, { ...options, signal: controller.signal, onProgress });
  expect(report.finished).toBe(false);
  expect(report.uuids).toHaveLength(report.requested);
  expect(report.requested).toBeLessThan(200);
  await requestFleet(deps, options);
  expect(new Set(sent.map(({ uuid }) => uuid)).size).toBe(200);
  expect(sent).toHaveLength(200);
});

test('a short outage of the queue is retried', async () => {
  const { deps, add, queue, sent, clock } = fleetDependencies();
  add(one);
  queue.fails = true;
  const { sleep } = clock;
  clock.sleep = async (ms) => {
    queue.fails = false;
    await sleep(ms);
  };
  expect(counts(await requestFleet(deps, options))).toMatchObject({ devices: 1 });
  expect(sent).toHaveLength(1);
});

test('a fleet outside the key’s view is an error, not an empty fleet', async () => {
  const { deps, hide } = fleetDependencies();
  hide('no/such');
  const request = requestFleet(deps, { ...options, fleet: 'no/such' });
  await expect(request).rejects.toThrow(ProvisioningError);
  await expect(request).rejects.toMatchObject({ code: 'balena-unauthorized' });
});

test('a run with a limit handles a part of the fleet, and says where the next run goes on', async () => {
  const { deps, add } = fleetDependencies();
  for (const uuid of [one, two, three]) add(uuid);
  const first = await requestFleet(deps, { ...options, atMost: 2 });
  expect(first).toMatchObject({ devices: 2, requested: 2, next: two });
  const second = await requestFleet(deps, { ...options, atMost: 2, after: two });
  expect(second).toMatchObject({ devices: 1, uuids: [three], next: null });
});
