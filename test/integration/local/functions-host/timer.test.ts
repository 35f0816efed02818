import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../../support/waitFor.js';
import { type Fixture, startFixture } from './startFixture.js';

const everySecond = { TICK_SCHEDULE: '* * * * * *', 'AzureWebJobs.tick.Disabled': '' };
const yearly = { TICK_SCHEDULE: '0 0 0 1 1 *', 'AzureWebJobs.tick.Disabled': '' };
const ticks = (host: Fixture) =>
  host.lines.filter((line) => line.startsWith('tick {')).map((line) => JSON.parse(line.slice(5)));

describe('a timer', () => {
  let folder: string;
  const start = (env: Record<string, string>) => startFixture(['--only', 'worker', '--state', folder], env);
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'timer-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('runs by its schedule, one run at a time; under a minute without a status', async () => {
    const host = await start(everySecond);
    expect(host.endpoints.functions).toEqual(['tick']);
    await waitFor('two runs', async () => ticks(host).length >= 2);
    expect(await host.stop()).toBe(0);
    expect(ticks(host)[0]).toEqual({
      running: 1,
      isPastDue: false,
      schedule: { adjustForDST: true },
      scheduleStatus: null,
    });
    expect(ticks(host).every(({ running }) => running === 1)).toBe(true);
  });

  it('knows the odd forms of a time, and when the next run is', async () => {
    const host = await start({ ...yearly, TICK_ON_STARTUP: 'true' });
    await host.line(/^tick: timer done in \d+ ms$/);
    const status = { last: '0001-01-01T00:00:00+00:00', lastUpdated: '0001-01-01T00:00:00+00:00' };
    const next = expect.stringMatching(/^\d{4}-01-01T00:00:00\.000\+00:00$/);
    expect(ticks(host)).toMatchObject([{ isPastDue: false, scheduleStatus: { ...status, next } }]);
    await host.stop();
  });

  it('makes up a run that was missed, once, at the start', async () => {
    await mkdir(join(folder, 'timers'));
    const status = { Last: '2020-01-01T00:00:00.000Z', Next: '2021-01-01T00:00:00.000Z' };
    await writeFile(join(folder, 'timers/tick.json'), JSON.stringify(status));
    const host = await start(yearly);
    await host.line(/^tick: timer done/);
    expect(ticks(host)).toMatchObject([
      { isPastDue: true, scheduleStatus: { last: '2020-01-01T00:00:00.000+00:00' } },
    ]);
    await host.stop();
    const stored = JSON.parse(await readFile(join(folder, 'timers/tick.json'), 'utf8'));
    expect(Date.parse(stored.Next)).toBeGreaterThan(Date.now());
  });

  it('runs on one host only, and on another one after the end of that host', async () => {
    const first = await start(everySecond);
    await first.line(/^tick \{/);
    const second = await start(everySecond);
    await waitFor('two more runs', async () => ticks(first).length >= 3);
    expect(ticks(second)).toEqual([]);
    await first.stop();
    await second.line(/^tick \{/);
    await second.stop();
  });
});
