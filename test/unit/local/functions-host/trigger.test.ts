import {
  createConcurrencyLimit,
  createRunningInvocations,
} from '../../../../local/simulators/functions-host/trigger.js';

describe('createRunningInvocations', () => {
  it('is idle after all work has ended, with or without an error', async () => {
    const running = createRunningInvocations();
    const good = running.run('good', async () => 1);
    const bad = running.run('bad', async () => {
      throw new Error('no');
    });
    await expect(bad).rejects.toThrow('no');
    expect(await good).toBe(1);
    expect(await running.idle(10_000)).toEqual([]);
  });

  it('names the functions that still run after the time limit', async () => {
    const running = createRunningInvocations();
    let end = () => {};
    const work = running.run('long', () => new Promise<void>((resolve) => (end = resolve)));
    expect(await running.idle(1)).toEqual(['long']);
    const idle = running.idle(10_000);
    end();
    await work;
    expect(await idle).toEqual([]);
  });
});

describe('createConcurrencyLimit', () => {
  it('lets waiting callers start in the order of their calls', async () => {
    const limit = createConcurrencyLimit(1);
    expect(await limit.acquire()).toBe(true);
    const order: string[] = [];
    const second = limit.acquire().then(() => order.push('second'));
    const third = limit.acquire().then(() => order.push('third'));
    await Promise.resolve();
    expect(order).toEqual([]);
    limit.release();
    await second;
    expect(order).toEqual(['second']);
    limit.release();
    await third;
    limit.release();
    expect(await limit.acquire()).toBe(true);
  });

  it('rejects waiting and later callers after close', async () => {
    const limit = createConcurrencyLimit(1);
    await limit.acquire();
    const waiting = limit.acquire();
    limit.close();
    expect(await waiting).toBe(false);
    expect(await limit.acquire()).toBe(false);
  });
});
