import { manyFaults } from '../../../local/simulators/shared/faults.js';
import { makePlan } from './makePlan.js';

const options = { seed: 7, minutes: 20, devices: 50 };

test('the same seed gives the same plan, and another seed another one', () => {
  expect(makePlan(options)).toEqual(makePlan(options));
  expect(makePlan({ ...options, seed: 8 })).not.toEqual(makePlan(options));
});

test('everything that can go wrong does so in twenty minutes', () => {
  const { events, devices } = makePlan(options);
  const all = ['http', 'worker 1', 'worker 2', 'broker', 'tables', 'hub', 'balena'];
  const struck = (kind: string) =>
    new Set(events.flatMap((event) => (event.kind === kind && 'victim' in event ? [event.victim] : [])));
  expect(struck('kill')).toEqual(new Set(all.filter((victim) => victim !== 'tables')));
  expect(struck('stop')).toEqual(new Set(all));
  expect(struck('pause')).toEqual(new Set(all.filter((victim) => victim !== 'hub' && victim !== 'balena')));
  expect(struck('crash')).toEqual(new Set(['http', 'worker 1', 'worker 2']));
  const faults = events.flatMap((event) => (event.kind === 'faults' ? event.faults : []));
  for (const what of ['status', 'reset', 'hang', 'halfAnswer', 'delayMs'] as const)
    expect(faults.filter((fault) => fault[what] !== undefined)).not.toHaveLength(0);
  expect(devices.filter(({ exists }) => !exists)).not.toHaveLength(0);
});

test('every fault is one that the simulators take, and comes to an end', () => {
  const { events, lengthMs } = makePlan(options);
  for (const side of ['hub', 'balena']) {
    const own = events.flatMap((event) => (event.kind === 'faults' && event.side === side ? [event] : []));
    for (const { faults } of own) expect(manyFaults.safeParse(faults).error).toBeUndefined();
    expect(own.at(-1)?.faults).toEqual([]);
    expect(own.at(-1)?.at).toBeLessThan(lengthMs + 10_000);
  }
});
