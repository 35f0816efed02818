import { type FollowReport, followFleet } from '../../../../cli/fleet/follow.js';
import {
  credentialsOf,
  fleetDependencies,
  now,
  provisionedRecord,
  uuidOf,
} from '../../../support/fleetTools.js';

const uuids = [1, 2, 3, 4].map(uuidOf) as [string, string, string, string];
const credentials = await credentialsOf(uuids[0]);
const change = { generation: 1, due: now + 60_000 };
const dead = { ...change, dead: { at: now } };
const error = { code: 'service-not-found' as const, step: null, message: '', at: now };

test('devices are followed until no device is under way', async () => {
  const { deps, put, record, clock } = fleetDependencies();
  const [one, two, three] = uuids;
  await put(provisionedRecord(one, credentials, {}, { job: change }));
  await put(provisionedRecord(two, credentials, {}, { job: dead, error }));
  await put(provisionedRecord(three, credentials));
  // This device is not followed.
  await put(provisionedRecord(uuidOf(9), credentials, {}, { job: change }));
  const reports: FollowReport[] = [];
  const sleep = clock.sleep;
  clock.sleep = async (ms) => {
    await put({ ...(await record(one)), job: null });
    await sleep(ms);
  };
  const report = await followFleet(deps, uuids, {
    onProgress: (each) => reports.push(structuredClone(each)),
  });
  expect(reports[0]).toMatchObject({
    states: { queued: 1, failed: 1, provisioned: 1 },
    lastDue: now + 60_000,
    finished: false,
  });
  expect(report).toMatchObject({
    states: { queued: 0, failed: 1, provisioned: 2 },
    failures: { 'service-not-found': 1 },
    unknown: 1,
    lastDue: null,
    finished: true,
  });
});

test('following stops on the signal and returns the last report', async () => {
  const { deps, put } = fleetDependencies();
  await put(provisionedRecord(uuids[0], credentials, {}, { job: change }));
  const controller = new AbortController();
  const onProgress = () => controller.abort();
  expect(await followFleet(deps, uuids, { signal: controller.signal, onProgress })).toMatchObject({
    states: { queued: 1 },
    finished: false,
  });
});
