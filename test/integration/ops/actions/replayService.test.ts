import { requestPartOf } from '../../../../src/device/refusal.js';
import { planAction } from '../../../../src/ops/bulk/plan.js';
import { readAction } from '../../../../src/ops/bulk/read.js';
import { requestId, start, uuidOf } from '../../../support/opsTools.js';
import { useFailedDevices } from './support/useFailedDevices.js';

const { withFailed } = await useFailedDevices();
const fleet = 'my_org/one';

/** Devices of one fleet that failed for good at the service "sensor". The fleet has the services "main" and "web". */
async function withFleet(count: number) {
  const all = await withFailed(count);
  all.balena.services.set(fleet, ['main', 'web']);
  for (let index = 0; index < count; index += 1) await inFleet(index);
  async function inFleet(index: number, more: object = {}) {
    const { observed } = await all.record(index);
    await all.put(index, { observed: { ...observed, fleet }, ...more });
  }
  return { ...all, inFleet };
}

test('a replay with another service makes a new request for that service, and the old dead letter is superseded', async () => {
  const { deps, sent, work, started, record, settle } = await withFleet(2);
  const id = await started({ rate: 60, by: 'Ada' }, { service: 'main' });
  await work();
  const replaced = await record(1);
  expect(replaced).toMatchObject({
    desired: { present: true, service: 'main' },
    job: { due: start + 1_000 },
    replays: 0,
    error: null,
    action: { id },
  });
  expect(replaced.desired.requestId).not.toBe(requestId);
  expect(sent.map(({ uuid, service }) => [uuid, service])).toEqual([
    [uuidOf(0), 'main'],
    [uuidOf(1), 'main'],
  ]);
  await settle(0, 'done');
  await settle(1, 'failed');
  await work();
  expect(await readAction(deps, id)).toMatchObject({
    state: 'done',
    service: 'main',
    lacking: 0,
    counts: { succeeded: 1, failed: 1 },
    failures: [{ uuid: uuidOf(1), code: 'service-not-found', step: 'validate', message: 'Still none.' }],
  });
});

test('a repeated part only sends the messages again', async () => {
  const { away, sent, work, started, record } = await withFleet(1);
  await started({}, { service: 'main' });
  away.queue = 1;
  await expect(work()).rejects.toMatchObject({ code: 'queue-unavailable' });
  const { desired, lastGeneration } = await record(0);
  await work();
  expect(await record(0)).toMatchObject({ desired, lastGeneration });
  expect(sent).toHaveLength(1);
});

test('a device with a newer request is not overwritten, and a deprovisioning is no provisioning', async () => {
  const { deps, sent, work, planned, put, record, started } = await withFleet(3);
  const newer = {
    present: true,
    service: 'web',
    requestId: requestId.replace('0000-7', '0001-7'),
    requestedAt: start,
  };
  await put(2, { desired: { present: false, service: null, requestId, requestedAt: start } });
  const plan = await planned({ service: 'main' });
  expect(plan).toMatchObject({
    counts: { planned: 2 },
    note: 'A deprovisioning has no service, and is not part of this replay. Left out: 1.',
  });
  const id = await started({}, { service: 'main', filter: { uuid: uuidOf(1) } });
  await put(1, { desired: newer });
  await work();
  expect((await readAction(deps, id)).counts).toMatchObject({ superseded: 1 });
  expect(sent).toEqual([]);
  expect((await record(1)).desired).toEqual(newer);
});

test('the same service is a plain replay: the count of replays grows', async () => {
  const { work, started, record, balena } = await withFleet(1);
  balena.services.set(fleet, ['sensor']);
  await started({}, { service: 'sensor' });
  await work();
  expect(await record(0)).toMatchObject({ desired: { requestId, service: 'sensor' }, replays: 1 });
});

test('a refused request is replaced, and the service that the device has stays its fallback', async () => {
  const { work, started, record, put } = await withFleet(1);
  const failed = await record(0);
  const desired = {
    present: true,
    service: 'web',
    requestId: `${requestId.slice(0, -1)}1`,
    requestedAt: start - 1,
  };
  const provisioned = {
    desired: { ...desired, validated: true },
    job: null,
    error: null,
    refusal: requestPartOf(failed),
    scopes: ['web'],
    observed: { ...failed.observed, thumbprint: 'A'.repeat(64), service: 'web', fleet },
  };
  await put(0, {
    ...provisioned,
    observed: { ...provisioned.observed, hub: ['A'.repeat(64), 'A'.repeat(64)] },
  });
  await started({}, { service: 'main' });
  await work();
  expect(await record(0)).toMatchObject({
    desired: { service: 'main' },
    job: { due: start },
    refusal: null,
    fallback: { desired: { service: 'web', validated: true } },
  });
});

test('the plan counts the devices without the service, and is refused if no fleet has the service', async () => {
  const { deps, planned, balena, inFleet } = await withFleet(3);
  balena.lacking.set(fleet, [uuidOf(0), uuidOf(9)]);
  expect(await planned({ service: 'main' })).toMatchObject({ service: 'main', lacking: 1, note: null });
  await expect(planned({ service: 'mian' })).rejects.toMatchObject({
    code: 'ops.no-such-service',
    message: `The fleet ${fleet} has no service "mian": it has main, web.`,
  });
  const { observed } = {
    observed: { ...(await deps.records.read(uuidOf(2)))!.value.observed, fleet: 'my_org/two' },
  };
  await inFleet(2, { observed });
  expect(await planned({ service: 'main' })).toMatchObject({
    lacking: 2,
    note: 'The balena API key does not see the fleet my_org/two.',
  });
  expect(await planned({ service: '' })).toMatchObject({ service: '', lacking: 0 });
  await expect(planAction(deps, { kind: 'discard', reason: 'x', service: 'main' })).rejects.toMatchObject({
    code: 'ops.bad-request',
  });
});
