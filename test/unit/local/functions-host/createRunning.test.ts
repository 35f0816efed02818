import { createRunningInvocations } from '../../../../local/simulators/functions-host/trigger.js';

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
