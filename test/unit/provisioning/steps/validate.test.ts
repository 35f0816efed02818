import type { BalenaDevice } from '../../../../src/balena/types.js';
import { findDevice, findScope, isServed } from '../../../../src/provisioning/steps/validate.js';
import type { Work } from '../../../../src/provisioning/steps/work.js';
import { deviceWith, type FakeOptions, fakeWork, scopedVariablesOf } from '../../../support/stepFakes.js';
import { thrownBy } from '../../../support/thrownBy.js';

const device = deviceWith({
  '': scopedVariablesOf(1),
  main: scopedVariablesOf(2),
  'cloud-relay': scopedVariablesOf(3),
});

/** The work of a run. Balena knows this device, and the key sees these fleets. */
function against(found: BalenaDevice | null, fleets: string[], options: FakeOptions = {}) {
  const { work } = fakeWork(options);
  const calls: string[] = [];
  const balena = {
    findDevice: async () => {
      calls.push('find');
      return found;
    },
    seesFleet: async (fleet: string | null) => {
      calls.push(`sees ${fleet}`);
      return fleet === null ? fleets.length > 0 : fleets.includes(fleet);
    },
    add: async () => null,
    store: async () => {},
    remove: async () => {},
    ping: async () => {},
  };
  const looking: Work = { ...work, balena: (_step, call) => call(balena) };
  return { work: looking, calls };
}

describe('look', () => {
  test('finds the device with one request, and observes its fleet', async () => {
    const { work, calls } = against(device, []);
    expect(await findDevice(work)).toBe(device);
    expect(calls).toEqual(['find']);
    expect(work.observed.fleet).toBe('my_org/one');
  });

  test('a place that does not exist any more is clean', async () => {
    const { work } = against(device, [], { scopes: ['', 'main', 'gone'] });
    await findDevice(work);
    expect([...work.clearedScopes]).toEqual(['gone']);
  });

  test('an empty answer counts if our key sees the fleet still', async () => {
    const { work, calls } = against(null, ['my_org/one'], {
      observed: { fleet: 'my_org/one' },
      scopes: ['', 'main'],
    });
    expect(await findDevice(work)).toBeNull();
    expect(calls).toEqual(['find', 'sees my_org/one']);
  });

  test.each([
    ['its fleet', 'device-not-visible', { fleet: 'my_org/one' }, ['my_org/two']],
    ['any fleet', 'balena-unauthorized', { fleet: null }, []],
  ] as const)('an empty answer of a key that does not see %s is %s', async (what, code, observed, fleets) => {
    const { work } = against(null, [...fleets], { observed });
    const error = await thrownBy(findDevice(work));
    expect(error).toMatchObject({ code, step: 'validate' });
    expect(error.message).toContain(what === 'its fleet' ? 'my_org/one' : 'any fleet');
    expect(work.clearedScopes.size).toBe(0);
  });

  test('whether the key sees a fleet is remembered for a device that was never seen and is requested, and for no other', async () => {
    const fleetsAsked = async (options: FakeOptions) => {
      const { work, calls } = against(null, ['any', 'my_org/one'], options);
      work.sight.note();
      await findDevice(work);
      return calls.length > 1;
    };
    expect(await fleetsAsked({})).toBe(false);
    expect(await fleetsAsked({ observed: { fleet: 'my_org/one' } })).toBe(true);
    expect(await fleetsAsked({ desired: { present: false, service: null } })).toBe(true);
  });

  test('an empty answer counts without the fleet if an operator has confirmed that the fleet was deleted', async () => {
    const observed = { fleet: 'my_org/one' };
    const { work, calls } = against(null, [], { observed, notice: 'fleet-deleted', scopes: ['main'] });
    expect(await findDevice(work)).toBeNull();
    expect(calls).toEqual(['find']);
  });
});

describe('fleet and scope', () => {
  const allowed = async (options: FakeOptions, fleets: string[] | null = null) => {
    const { work } = fakeWork(options);
    const served = isServed({ ...work, settings: { fleets, renewAt: 0.8 } }, device);
    return served ? findScope(work, device) : null;
  };

  test('the spot is that of the desired service, or the device', async () => {
    expect((await allowed({ desired: { service: 'main' } }))?.ownerId).toBe(2);
    expect((await allowed({ desired: { service: '' } }))?.ownerId).toBe(1);
  });

  test('a device of a fleet that is served is allowed, and no other; the last served fleet is noted', async () => {
    const outside = { since: 1, sightings: 1, isHandled: false };
    const { work } = fakeWork({ observed: { outside, servedFleet: 'my_org/before' } });
    const servedBy = (...fleets: string[]) =>
      isServed({ ...work, settings: { fleets, renewAt: 0.8 } }, device);
    expect(servedBy('my_org/two')).toBe(false);
    expect(work.observed).toMatchObject({ outside, servedFleet: 'my_org/before' });
    expect(servedBy('my_org/two', 'my_org/one')).toBe(true);
    expect(work.observed.servedFleet).toBe('my_org/one');
    expect(work.observed.outside).toBeUndefined();
  });

  test.each(['nope', 'Main', 'mai', 'undefined'])(
    'a service must be named exactly: not %s',
    async (service) => {
      const error = await thrownBy(allowed({ desired: { service } }));
      expect(error).toMatchObject({ code: 'service-not-found', step: 'validate' });
      expect(error.message).toContain('main, cloud-relay');
    },
  );
});
