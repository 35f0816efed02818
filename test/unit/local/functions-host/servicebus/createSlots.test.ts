import { createSlots } from '../../../../../local/simulators/functions-host/trigger.js';

describe('createSlots', () => {
  it('gives out no more than there are, and then in the order of asking', async () => {
    const slots = createSlots(1);
    expect(await slots.take()).toBe(true);
    const order: string[] = [];
    const second = slots.take().then(() => order.push('second'));
    const third = slots.take().then(() => order.push('third'));
    await Promise.resolve();
    expect(order).toEqual([]);
    slots.free();
    await second;
    expect(order).toEqual(['second']);
    slots.free();
    await third;
    slots.free();
    expect(await slots.take()).toBe(true);
  });

  it('sends away all that wait when it is closed, and all that come', async () => {
    const slots = createSlots(1);
    await slots.take();
    const waiting = slots.take();
    slots.close();
    expect(await waiting).toBe(false);
    expect(await slots.take()).toBe(false);
  });
});
