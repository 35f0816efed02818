import {
  createConcurrencyLimit,
  createRunningInvocations,
} from '../../../../local/simulators/functions-host/trigger.js';

describe('createRunning', () => {
  it('is idle when all work has ended, however it ended', async () => {
    const running = createRunningInvocations();
    const good = running.run('good', async () => 1);
    const bad = running.run('bad', async () => {
      throw new Error('no');
    });
    await expect(bad).rejects.toThrow('no');
    expect(await good).toBe(1);
    expect(await running.idle(10_000)).toEqual([]);
  });

  it('names what still runs when its patience ends', async () => {
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

describe('createSlots', () => {
  it('gives out no more than there are, and then in the order of asking', async () => {
    const slots = createConcurrencyLimit(1);
    expect(await slots.acquire()).toBe(true);
    const order: string[] = [];
    const second = slots.acquire().then(() => order.push('second'));
    const third = slots.acquire().then(() => order.push('third'));
    await Promise.resolve();
    expect(order).toEqual([]);
    slots.release();
    await second;
    expect(order).toEqual(['second']);
    slots.release();
    await third;
    slots.release();
    expect(await slots.acquire()).toBe(true);
  });

  it('sends away all that wait when it is closed, and all that come', async () => {
    const slots = createConcurrencyLimit(1);
    await slots.acquire();
    const waiting = slots.acquire();
    slots.close();
    expect(await waiting).toBe(false);
    expect(await slots.acquire()).toBe(false);
  });
});
