import { accept, acceptNew } from '../../../src/provisioning/accept.js';
import { claimOf } from '../../../src/provisioning/reserve.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { now, provisioned } from '../../support/records.js';

/*
 * A caller with the fleet's key has requested for a device, and then balena announces the device: the device no longer waits with the devices that
 * callers have invented.
 */

const uuid = 'ef'.repeat(16);
const at = (service: string) => ({ uuid, present: true as const, service });

async function requestedBefore() {
  const system = acceptDependencies(now);
  await accept(system.deps, at('main'), false);
  expect(claimOf(await system.record(uuid)).isKnown).toBe(false);
  return system;
}

test('the event "created", or the sweep, announces a device whose request is pending, once', async () => {
  const { deps, record, sent } = await requestedBefore();
  for (let events = 0; events < 3; events += 1)
    expect((await acceptNew(deps, uuid, 'other'))?.kind).toBe('accepted');
  const announced = await record(uuid);
  expect(claimOf(announced).isKnown).toBe(true);
  // The earlier request stays in force.
  expect(announced.desired.service).toBe('main');
  expect(sent).toHaveLength(2);
});

test('a list of a fleet, or a webhook, announces a device whose request is pending, once', async () => {
  const { deps, record, sent } = await requestedBefore();
  for (let requests = 0; requests < 3; requests += 1) await accept(deps, { ...at('main'), announced: true });
  expect(claimOf(await record(uuid)).isKnown).toBe(true);
  expect(sent).toHaveLength(2);
});

test('a device that balena has shown needs no announcement', async () => {
  const system = acceptDependencies(now);
  await system.put({ ...provisioned, observed: { ...provisioned.observed, fleet: 'my_org/one' } });
  const { service } = provisioned.desired;
  const request = {
    uuid: provisioned.uuid,
    present: true as const,
    service: service ?? '',
    announced: true as const,
  };
  expect((await accept(system.deps, request)).kind).not.toBe('accepted');
});
