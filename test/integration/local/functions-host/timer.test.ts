import { startFixture } from './startFixture.js';

describe('a timer', () => {
  it('runs at the start and by its schedule, one run at a time, and is told about its schedule', async () => {
    const host = await startFixture(['--only', 'worker'], {
      TICK_SCHEDULE: '* * * * * *',
      'AzureWebJobs.tick.Disabled': '',
    });
    expect(host.endpoints).toEqual({ functions: ['tick'] });
    await host.line(/^tick .*"last":"2/);
    expect(await host.stop()).toBe(0);
    const ticks = host.lines
      .filter((line) => line.startsWith('tick {'))
      .map((line) => JSON.parse(line.slice(5)));
    expect(ticks.every(({ running }) => running === 1)).toBe(true);
    expect(ticks[0]).toEqual({
      running: 1,
      isPastDue: false,
      schedule: { adjustForDST: true },
      scheduleStatus: {
        last: '0001-01-01T00:00:00',
        next: expect.stringMatching(/\+00:00$/),
        lastUpdated: expect.stringMatching(/\+00:00$/),
      },
    });
    await host.line(/^tick: timer done in \d+ ms$/);
  });
});
