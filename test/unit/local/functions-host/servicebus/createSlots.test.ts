import { createConcurrencyLimit } from '../../../../../local/simulators/functions-host/trigger.js';

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
