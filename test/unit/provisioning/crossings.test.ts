import type { DeviceRecord } from '../../../src/device/record.js';
import { reconcile } from '../../../src/provisioning/reconcile.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import { now, recordWith, uuid } from '../../support/records.js';
import { deviceWith, fakeWork, scopedVariablesOf } from '../../support/stepFakes.js';
import { workerDependencies } from '../../support/workerTools.js';

/** A worker gets the message of the first generation. */
async function worked(
  record: DeviceRecord,
  prepare: (system: ReturnType<typeof workerDependencies>) => void = () => {},
) {
  const system = workerDependencies(now);
  await system.put(record);
  prepare(system);
  await processMessage(system.deps, system.message({ uuid, generation: 1 }), system.delivery());
  return { ...system, after: await system.record(uuid) };
}

describe('two rules that meet', () => {
  test('a check follows a request that failed for good with an unresolved lease, and looks', async () => {
    const dead = { generation: 0, due: now, dead: { at: now - 1_000 } };
    const { calls, after } = await worked(
      recordWith({
        job: dead,
        check: { generation: 1, due: now },
        attempts: 3,
        lease: { by: 'earlier', generation: 0, until: now - 1, lateUntil: now - 1, unresolved: true },
        error: { code: 'timed-out', step: 'store', message: 'No answer.', at: now - 1_000 },
      }),
    );
    expect(calls).toContain('find');
    expect(after).toMatchObject({ job: null, check: null, error: null, observed: { service: 'main' } });
  });

  test.each([
    ['is deleted in balena', true],
    ['is deprovisioned', false],
  ])('a device outside the served fleets is not outside any more after it %s', async (_, present) => {
    const device = deviceWith({ '': scopedVariablesOf(1) });
    const { work } = fakeWork({
      desired: present ? {} : { present, service: null },
      observed: { fleet: 'my_org/other', outside: { since: now, sightings: 1, isHandled: false } },
      ...(!present && { device }),
    });
    await reconcile(work).catch((error: unknown) =>
      expect(error).toMatchObject({ code: 'device-not-found' }),
    );
    expect(work.observed).toMatchObject({ hub: 'none', thumbprint: null });
    expect(work.observed.outside).toBeUndefined();
  });
});
