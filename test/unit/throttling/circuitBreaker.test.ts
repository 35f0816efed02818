import { type ErrorCode, ProvisioningError } from '../../../src/shared/errors.js';
import { type CircuitRow, openCircuitBreaker } from '../../../src/throttling/circuitBreaker.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';

const now = 1_800_000_000_000;
const error = (code: ErrorCode) => new ProvisioningError(code, '', { dependency: 'hub' });

/** Two workers that share the circuit of the hub. */
function open() {
  const table = memoryTable<CircuitRow>();
  const clock = handClock(now);
  const lines: string[] = [];
  const start = () =>
    openCircuitBreaker({ dependency: 'hub', table, clock, log: (line) => lines.push(line), random: () => 0 });
  const [one, two] = [start(), start()];
  return {
    table,
    clock,
    lines,
    one,
    two,
    /** Opens the circuit, and then lets every cached reading expire. */
    async break() {
      await one.failed(error('hub-unauthorized'));
      clock.at += 1_000;
    },
  };
}

test('while the other side answers, everybody goes ahead', async () => {
  const { one, table } = open();
  expect(await one.admit('a')).toBeNull();
  await one.release('a', true);
  expect(table.writes).toBe(0);
});

test('five failures in a row open it, for all workers', async () => {
  const { one, two, clock, lines } = open();
  for (let i = 0; i < 4; i += 1) await one.failed(error('hub-unavailable'));
  expect((await one.read()).state).toBe('closed');
  await one.failed(error('hub-unavailable'));
  clock.at += 1_000;
  expect(await two.admit('b')).toBe(now + 2_000);
  expect(lines).toEqual(['hub fails (hub-unavailable): work waits until it answers']);
});

test('a successful run starts the count again', async () => {
  const { one } = open();
  for (let i = 0; i < 4; i += 1) await one.failed(error('timed-out'));
  await one.release('a', true);
  for (let i = 0; i < 4; i += 1) await one.failed(error('timed-out'));
  expect((await one.read()).state).toBe('closed');
});

test.each(['hub-unauthorized', 'hub-quota-exceeded'] as const)(
  '%s opens it at once: no device will do better',
  async (code) => {
    const { one } = open();
    await one.failed(error(code));
    expect(await one.read()).toMatchObject({ state: 'open', code });
  },
);

test.each(['hub-throttled', 'hub-rejected', 'unexpected'] as const)(
  '%s never opens it: the other side answers',
  async (code) => {
    const { one } = open();
    for (let i = 0; i < 20; i += 1) await one.failed(error(code));
    expect((await one.read()).state).toBe('closed');
  },
);

test('when it is time, one at a time is let through as a probe', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  expect(await system.one.admit('a')).toBeNull();
  expect(await system.two.admit('b')).toBe(system.clock.at);
});

test('of two that come at the same time one is the probe', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await Promise.all([system.one.read(), system.two.read()]);
  const admitted = await Promise.all([system.one.admit('a'), system.two.admit('b')]);
  expect(admitted.filter((until) => until === null)).toHaveLength(1);
});

test('a probe whose whole work went well closes it', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await system.one.admit('a');
  await system.one.release('a', true);
  expect(await system.one.admit('c')).toBeNull();
  expect(system.lines.at(-1)).toBe('hub answers again: work continues');
});

test('the success of another does not close it: it may have asked for something else', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await system.one.admit('a');
  await system.two.release('b', true);
  expect((await system.two.read()).state).toBe('open');
});

test('a probe that fails lets the next one go a little later, at most five seconds', async () => {
  const system = open();
  await system.break();
  for (const wait of [4_000, 5_000, 5_000]) {
    system.clock.at += 10_000;
    expect(await system.one.admit('a')).toBeNull();
    await system.one.failed(error('hub-unauthorized'));
    expect((await system.one.read()).until - system.clock.at).toBe(wait);
  }
});

test('a probe that never came to ask makes room for the next', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await system.one.admit('a');
  await system.one.release('a', false);
  system.clock.at += 1_000;
  expect(await system.two.admit('b')).toBeNull();
});

test('a probe that died is forgotten after half a minute', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await system.one.admit('a');
  system.clock.at += 29_999;
  expect(await system.two.admit('b')).not.toBeNull();
  system.clock.at += 1_000;
  expect(await system.two.admit('b')).toBeNull();
});

test('those that wait are spread over as long as the other side has been away', async () => {
  const table = memoryTable<CircuitRow>();
  const clock = handClock(now);
  const circuit = openCircuitBreaker({ dependency: 'hub', table, clock, log: () => {}, random: () => 1 });
  await circuit.failed(error('hub-unauthorized'));
  expect(await circuit.admit('a')).toBe(now + 2_000 + 5_000);
  clock.at = now + 60_000;
  await circuit.admit('probe');
  expect(await circuit.admit('a')).toBe(now + 60_000 + 60_000);
  clock.at = now + 3_600_000;
  await circuit.admit('probe');
  expect(await circuit.admit('a')).toBe(now + 3_600_000 + 300_000);
});

test('what it is told never fails, and what it is asked does, where the records cannot be reached', async () => {
  const { one, table } = open();
  table.fails = true;
  await one.failed(error('hub-unauthorized'));
  await one.release('a', true);
  await expect(one.admit('a')).rejects.toThrow('cannot be reached');
});

test('a run that has met the other side away is told when to come again, and is no probe', async () => {
  const system = open();
  expect(await system.one.whenAgain()).toBeNull();
  await system.break();
  expect(await system.two.whenAgain()).toBe(now + 2_000);
  expect((await system.two.read()).probe).toBeNull();
  system.table.fails = true;
  system.clock.at += 1_000;
  expect(await system.two.whenAgain()).toBeNull();
});

test('a probe that was put off before it asked lets the next one go, and one that tries again is let through again', async () => {
  const { one, two, clock, break: open_ } = open();
  await open_();
  clock.at += 2_000;
  expect(await one.admit('a')).toBeNull();
  expect(await one.admit('a')).toBeNull();
  clock.at += 1_000;
  expect(await two.admit('b')).not.toBeNull();
  await one.release('a', false);
  clock.at += 1_000;
  expect(await two.admit('b')).toBeNull();
});

describe('the whole run of a probe decides', () => {
  test('a probe that succeeds closes the circuit for all workers', async () => {
    const { one, two, clock, break: breakIt } = open();
    await breakIt();
    clock.at += 2_000;
    expect(await one.admit('a')).toBeNull();
    await one.release('a', true);
    clock.at += 1_000;
    expect((await two.read()).state).toBe('closed');
    expect(await two.admit('b')).toBeNull();
    expect(await two.admit('c')).toBeNull();
  });

  test('a probe that does not succeed leaves the circuit open, and the next run may probe', async () => {
    const { one, two, clock, break: breakIt } = open();
    await breakIt();
    clock.at += 2_000;
    expect(await one.admit('a')).toBeNull();
    await one.release('a', false);
    clock.at += 1_000;
    expect((await two.read()).state).toBe('open');
    expect(await two.admit('b')).toBeNull();
    expect(await two.admit('c')).not.toBeNull();
  });
});
