import { advanceAction } from '../../../../src/ops/bulk/advance.js';
import { cancelAction } from '../../../../src/ops/bulk/cancel.js';
import { readAction } from '../../../../src/ops/bulk/read.js';
import { startAction } from '../../../../src/ops/bulk/start.js';
import { start, uuidOf } from '../../../support/opsTools.js';
import { useFailedDevices } from './support/useFailedDevices.js';

const { withFailed } = await useFailedDevices();
const hours = 3_600_000;

describe('a rotation', () => {
  const day = 24 * hours;
  const [held, replaced] = ['A'.repeat(64), 'B'.repeat(64)];
  const provisioned = (mintedAt: number, fleet = 'acme/a') => ({
    job: null,
    error: null,
    scopes: ['sensor'],
    completedAt: start,
    observed: {
      thumbprint: held,
      previous: null,
      service: 'sensor',
      hub: [held, held] as [string, string],
      fleet,
      notBefore: mintedAt,
      notAfter: mintedAt + 365 * day,
      keyAlgorithm: 'ec-p256',
      verifiedAt: start,
    },
  });
  async function withProvisioned() {
    const all = await withFailed(1);
    await all.put(1, provisioned(start - 10 * day));
    await all.put(2, provisioned(start - 30 * day));
    await all.put(3, provisioned(start - 20 * day, 'acme/b'));
    return all;
  }

  test('takes the devices with a certificate, the oldest certificate first, by fleet and date', async () => {
    const { planned, deps } = await withProvisioned();
    const set = async (filter: object) => {
      const { id, counts, byFleet } = await planned({ kind: 'rotate', filter });
      const items = await deps.actions.items(id, 0, counts.planned);
      return { uuids: items.map(({ uuid }) => uuid), byFleet };
    };
    expect(await set({})).toEqual({ uuids: [2, 3, 1].map(uuidOf), byFleet: { 'acme/a': 2, 'acme/b': 1 } });
    expect((await set({ fleet: 'acme/a' })).uuids).toEqual([2, 1].map(uuidOf));
    expect((await set({ mintedBefore: '15d' })).uuids).toEqual([2, 3].map(uuidOf));
    expect((await set({ uuid: uuidOf(0) })).uuids).toEqual([]);
    await expect(set({ code: 'timed-out' })).rejects.toMatchObject({ code: 'ops.bad-filter' });
  });

  test('retires the certificate of each device, once, at the rate, and revokes the certificate only on request', async () => {
    const { sent, started, work, record, nudges, deps } = await withProvisioned();
    await started({ rate: 60 }, { kind: 'rotate', filter: { fleet: 'acme/a' } });
    await Promise.all([1, 2].map(() => advanceAction(deps, nudges[0]!)));
    expect(new Set(sent.map(({ uuid, at }) => `${Number(`0x${uuid}`)} ${at - start}`))).toEqual(
      new Set(['2 0', '1 1000']),
    );
    expect((await record(1)).desired).toMatchObject({ retire: [held] });
    await started({}, { kind: 'rotate', filter: { fleet: 'acme/b' }, revoke: true });
    await work();
    expect((await record(3)).desired).toMatchObject({ retire: [held], revoke: [held] });
  });

  test('that revokes says which keys and which earlier certificates it revokes', async () => {
    const { planned, put, record, work, deps } = await withProvisioned();
    const { observed, ...others } = provisioned(start - day);
    const own = {
      thumbprint: held,
      key: 'K',
      keyAlgorithm: 'ec-p256',
      notBefore: 0,
      notAfter: start,
      before: null,
    };
    const { desired } = await record(2);
    await put(2, { ...provisioned(start - 30 * day), desired: { ...desired, service: null, own } });
    await put(1, { ...others, observed: { ...observed, previous: replaced, hub: [held, replaced] } });
    const { id, note, counts } = await planned({
      ...{ kind: 'rotate', revoke: true },
      filter: { fleet: 'acme/a', mintedBefore: '15d' },
    });
    expect({ note, planned: counts.planned }).toEqual({
      planned: 2,
      note: expect.stringMatching(/Own keys: 1\..*Such devices: 1\./),
    });
    await startAction(deps, id);
    await work();
    expect((await record(1)).desired).toMatchObject({ revoke: [replaced] });
  });

  test('leaves a device alone whose certificate was replaced since the plan', async () => {
    const { sent, planned, work, put, deps } = await withProvisioned();
    const { id } = await planned({ kind: 'rotate' });
    const { observed, ...others } = provisioned(start);
    await put(1, { ...others, observed: { ...observed, thumbprint: replaced, hub: [replaced, held] } });
    await startAction(deps, id);
    await work();
    expect(sent.map(({ uuid }) => uuid)).not.toContain(uuidOf(1));
    expect((await readAction(deps, id)).counts).toMatchObject({ planned: 3, superseded: 1, underWay: 2 });
  });

  test('that is cancelled leaves a device unchanged, or completes a run that has started', async () => {
    const { started, work, record, put, deps } = await withProvisioned();
    const desired = { ...(await record(3)).desired, retire: [replaced], revoke: [replaced] };
    await put(3, { ...provisioned(start - 20 * day), desired });
    const id = await started({}, { kind: 'rotate' });
    await work();
    await put(1, {
      ...(await record(1)),
      lease: { by: 'a worker', until: start + 60_000, generation: 0, lateUntil: start + 60_000 },
    });
    await cancelAction(deps, id);
    await work();
    expect(await record(1)).toMatchObject({ desired: { retire: [held] }, job: {} });
    const taken = await record(2);
    expect(taken).toMatchObject({ job: null, desired: { present: true, service: 'sensor' } });
    expect(taken.desired).not.toHaveProperty('retire');
    // A certificate that was to be retired before the action is still to be retired.
    expect((await record(3)).desired).toMatchObject({ retire: [replaced], revoke: [replaced] });
    expect(await readAction(deps, id)).toMatchObject({
      state: 'cancelled',
      counts: { cancelled: 2, underWay: 1 },
    });
  });
});
