import { type ErrorCode, ProvisioningError } from '../../../src/shared/errors.js';
import { productMetrics, setMetrics } from '../../../src/telemetry/metrics.js';
import {
  type CircuitBreaker,
  type CircuitRow,
  type CircuitUser,
  openCircuitBreaker,
  type Ping,
} from '../../../src/throttling/circuitBreaker.js';
import { handClock } from '../../support/handClock.js';
import { memoryTable } from '../../support/memoryTable.js';

const now = 1_800_000_000_000;
const error = (code: ErrorCode) => new ProvisioningError(code, '', { dependency: 'hub' });
const user = (id: string, isSuspect = false): CircuitUser => ({ id, uuid: `device ${id}`, isSuspect });
const answers: Ping = async () => null;
const silent: Ping = async () => error('hub-unavailable');

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
      await one.failed(error('hub-unauthorized'), user('a'), answers);
      clock.at += 1_000;
    },
  };
}

test('while the other side answers, everybody goes ahead', async () => {
  const { one, table } = open();
  expect(await one.admit(user('a'))).toBeNull();
  await one.release('a', true);
  expect(table.writes).toBe(0);
});

/** Different devices fail, one after the other. The dependency answers pings. */
async function failOneByOne(circuit: CircuitBreaker, devices: number, prefix = '') {
  for (let i = 0; i < devices; i += 1)
    await circuit.failed(error('hub-unavailable'), user(`${prefix}${i}`), answers);
}

describe('the circuit opens', () => {
  test('if five different devices fail in a row, for all workers', async () => {
    const { one, two, clock, lines } = open();
    await failOneByOne(one, 4);
    expect((await one.read()).state).toBe('closed');
    await failOneByOne(one, 5);
    clock.at += 1_000;
    expect(await two.admit(user('b'))).toBe(now + 2_000);
    expect(lines).toEqual(['hub fails (hub-unavailable): all work waits until hub works again']);
  });

  test('at the first failure if the dependency does not answer a ping either, with the error of the ping', async () => {
    const { one } = open();
    await one.failed(error('timed-out'), user('a'), silent);
    expect(await one.read()).toMatchObject({ state: 'open', code: 'hub-unavailable' });
  });

  test.each(['hub-unauthorized', 'hub-quota-exceeded'] as const)(
    'at once after %s: no device will do better',
    async (code) => {
      const { one } = open();
      await one.failed(error(code), user('a'), answers);
      expect(await one.read()).toMatchObject({ state: 'open', code });
    },
  );
});

describe('the circuit stays closed', () => {
  test('if one device fails again and again', async () => {
    const { one } = open();
    for (let i = 0; i < 20; i += 1) await one.failed(error('hub-unavailable'), user('a'), answers);
    expect((await one.read()).state).toBe('closed');
  });

  test('if devices fail that have failed by themselves before', async () => {
    const { one } = open();
    for (let i = 0; i < 20; i += 1) await one.failed(error('hub-unavailable'), user(`${i}`, true), answers);
    expect((await one.read()).state).toBe('closed');
  });

  test('if a run succeeds between the failures', async () => {
    const { one } = open();
    await failOneByOne(one, 4);
    await one.release('z', true);
    await failOneByOne(one, 4, 'other ');
    expect((await one.read()).state).toBe('closed');
  });

  test.each(['hub-throttled', 'hub-rejected', 'balena-write-refused', 'unexpected'] as const)(
    'after %s, without a ping: the dependency answers',
    async (code) => {
      const { one } = open();
      const ping = async () => {
        throw new Error('no ping is needed');
      };
      for (let i = 0; i < 20; i += 1) await one.failed(error(code), user(`${i}`), ping);
      expect((await one.read()).state).toBe('closed');
    },
  );
});

describe('rejected credentials are counted', () => {
  const refused: string[] = [];
  const before = productMetrics();
  beforeAll(() => setMetrics({ ...before, credentialsRejected: (dependency) => refused.push(dependency) }));
  afterAll(() => setMetrics(before));

  test('whenever they open the circuit or keep it open, and never otherwise', async () => {
    const { one, clock } = open();
    await one.failed(error('hub-quota-exceeded'), user('a'), answers);
    await one.failed(error('hub-unavailable'), user('b'), answers);
    expect(refused).toEqual([]);
    await one.failed(error('hub-unauthorized'), user('b'), answers);
    clock.at += 10_000;
    await one.admit(user('c'));
    await one.failed(error('hub-unavailable'), user('c'), async () => error('hub-unauthorized'));
    expect(refused).toEqual(['hub', 'hub']);
  });
});

describe('a suspect device', () => {
  /** Five devices fail at a dependency that answers pings. */
  async function several() {
    const system = open();
    await failOneByOne(system.one, 5);
    system.clock.at += 3_000;
    return system;
  }

  test('is no probe, unless no other device has probed for half a minute', async () => {
    const { one, clock } = await several();
    expect(await one.admit(user('s', true))).not.toBeNull();
    expect(await one.admit(user('a'))).toBeNull();
    await one.release('a', false);
    clock.at = now + 2_000 + 29_999;
    expect(await one.admit(user('s', true))).not.toBeNull();
    clock.at += 1;
    expect(await one.admit(user('s', true))).toBeNull();
  });

  test('does not keep the circuit open if its probe fails', async () => {
    const { one, clock } = await several();
    clock.at += 30_000;
    await one.admit(user('s', true));
    await one.failed(error('hub-unavailable'), user('s', true), answers);
    expect((await one.read()).state).toBe('closed');
  });

  test('keeps the circuit open if the dependency does not answer pings either', async () => {
    const { one, clock } = await several();
    clock.at += 30_000;
    await one.admit(user('s', true));
    await one.failed(error('hub-unavailable'), user('s', true), silent);
    expect((await one.read()).state).toBe('open');
  });

  test('unlike a device that fails for the first time: others fail, too', async () => {
    const { one, clock } = await several();
    await one.admit(user('a'));
    await one.failed(error('hub-unavailable'), user('a'), answers);
    clock.at += 1_000;
    expect(await one.read()).toMatchObject({ state: 'open', failures: 2 });
  });
});

test('an outage is over when the dependency answers a ping, even if the probe fails', async () => {
  const { one, clock } = open();
  await one.failed(error('hub-unavailable'), user('a'), silent);
  clock.at += 3_000;
  await one.admit(user('b'));
  await one.failed(error('hub-unavailable'), user('b'), answers);
  expect((await one.read()).state).toBe('closed');
});

test('a run that began before the outage changes nothing while the circuit is open', async () => {
  const { one, clock, break: breakIt } = open();
  await breakIt();
  clock.at += 2_000;
  await one.admit(user('a'));
  const before = await one.read();
  await one.failed(error('hub-unavailable'), user('b'), silent);
  clock.at += 1_000;
  expect(await one.read()).toEqual(before);
});

test('when it is time, one at a time is let through as a probe', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  expect(await system.one.admit(user('a'))).toBeNull();
  expect(await system.two.admit(user('b'))).toBe(system.clock.at);
});

test('of two that come at the same time one is the probe', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await Promise.all([system.one.read(), system.two.read()]);
  const admitted = await Promise.all([system.one.admit(user('a')), system.two.admit(user('b'))]);
  expect(admitted.filter((until) => until === null)).toHaveLength(1);
});

test('a probe whose whole work went well closes it', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await system.one.admit(user('a'));
  await system.one.release('a', true);
  expect(await system.one.admit(user('c'))).toBeNull();
  expect(system.lines.at(-1)).toBe('hub works again: the waiting work continues');
});

test('the success of another does not close it: it may have asked for something else', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await system.one.admit(user('a'));
  await system.two.release('b', true);
  expect((await system.two.read()).state).toBe('open');
});

test('a probe that fails lets the next one go a little later, at most five seconds', async () => {
  const system = open();
  await system.break();
  for (const wait of [4_000, 5_000, 5_000]) {
    system.clock.at += 10_000;
    expect(await system.one.admit(user('a'))).toBeNull();
    await system.one.failed(error('hub-unauthorized'), user('a'), answers);
    expect((await system.one.read()).until - system.clock.at).toBe(wait);
  }
});

test('a probe that never came to ask makes room for the next', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await system.one.admit(user('a'));
  await system.one.release('a', false);
  system.clock.at += 1_000;
  expect(await system.two.admit(user('b'))).toBeNull();
});

test('a probe that died is forgotten after half a minute', async () => {
  const system = open();
  await system.break();
  system.clock.at += 1_000;
  await system.one.admit(user('a'));
  system.clock.at += 29_999;
  expect(await system.two.admit(user('b'))).not.toBeNull();
  system.clock.at += 1_000;
  expect(await system.two.admit(user('b'))).toBeNull();
});

test('those that wait are spread over as long as the other side has been away', async () => {
  const table = memoryTable<CircuitRow>();
  const clock = handClock(now);
  const circuit = openCircuitBreaker({ dependency: 'hub', table, clock, log: () => {}, random: () => 1 });
  await circuit.failed(error('hub-unauthorized'), user('a'), answers);
  expect(await circuit.admit(user('a'))).toBe(now + 2_000 + 5_000);
  clock.at = now + 60_000;
  await circuit.admit(user('probe'));
  expect(await circuit.admit(user('a'))).toBe(now + 60_000 + 60_000);
  // A probe that fails does not begin the outage anew.
  await circuit.failed(error('hub-unauthorized'), user('probe'), answers);
  expect(await circuit.admit(user('a'))).toBe(now + 60_000 + 4_000 + 60_000);
  clock.at = now + 3_600_000;
  await circuit.admit(user('probe'));
  expect(await circuit.admit(user('a'))).toBe(now + 3_600_000 + 300_000);
});

test('what it is told never fails, and what it is asked does, where the records cannot be reached', async () => {
  const { one, table } = open();
  table.fails = true;
  await one.failed(error('hub-unauthorized'), user('a'), answers);
  await one.release('a', true);
  await expect(one.admit(user('a'))).rejects.toThrow('cannot be reached');
});

test('a run that has met the other side away is told when to come again, and is no probe', async () => {
  const system = open();
  expect(await system.one.nextAttemptAt()).toBeNull();
  await system.break();
  expect(await system.two.nextAttemptAt()).toBe(now + 2_000);
  expect((await system.two.read()).probe).toBeNull();
  system.table.fails = true;
  system.clock.at += 1_000;
  expect(await system.two.nextAttemptAt()).toBeNull();
});

test('a probe that was put off before it asked lets the next one go, and one that tries again is let through again', async () => {
  const { one, two, clock, break: open_ } = open();
  await open_();
  clock.at += 2_000;
  expect(await one.admit(user('a'))).toBeNull();
  expect(await one.admit(user('a'))).toBeNull();
  clock.at += 1_000;
  expect(await two.admit(user('b'))).not.toBeNull();
  await one.release('a', false);
  clock.at += 1_000;
  expect(await two.admit(user('b'))).toBeNull();
});

describe('the whole run of a probe decides', () => {
  test('a probe that succeeds closes the circuit for all workers', async () => {
    const { one, two, clock, break: breakIt } = open();
    await breakIt();
    clock.at += 2_000;
    expect(await one.admit(user('a'))).toBeNull();
    await one.release('a', true);
    clock.at += 1_000;
    expect((await two.read()).state).toBe('closed');
    expect(await two.admit(user('b'))).toBeNull();
    expect(await two.admit(user('c'))).toBeNull();
  });

  test('a probe that does not succeed leaves the circuit open, and the next run may probe', async () => {
    const { one, two, clock, break: breakIt } = open();
    await breakIt();
    clock.at += 2_000;
    expect(await one.admit(user('a'))).toBeNull();
    await one.release('a', false);
    clock.at += 1_000;
    expect((await two.read()).state).toBe('open');
    expect(await two.admit(user('b'))).toBeNull();
    expect(await two.admit(user('c'))).not.toBeNull();
  });
});
