import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '../../../../local/simulators/shared/loopback.js';
import { failToStart, fixtures, startFixture } from './startFixture.js';

describe('starting and stopping the host', () => {
  it('finishes running requests on SIGTERM, accepts no new requests, runs appTerminate and exits with 0', async () => {
    const host = await startFixture(['--only', 'http']);
    const folder = await mkdtemp(join(tmpdir(), 'stop-'));
    const file = join(folder, 'go on');
    const answer = fetch(`${host.endpoints.url}/api/slow?file=${encodeURIComponent(file)}`);
    await host.line(/^slow is under way$/);
    const stopped = host.stop();
    await writeFile(file, '');
    const response = await answer;
    expect(await response.text()).toBe('done');
    expect(await stopped).toBe(0);
    expect(host.lines.at(-1)).toBe('hook appTerminate');
    await expect(fetch(`${host.endpoints.url}/api/echo`)).rejects.toThrow();
    await rm(folder, { recursive: true });
  });

  it('runs all functions in one host by default, except functions that a setting switches off', async () => {
    const host = await startFixture([], {
      TICK_SCHEDULE: '* * * * * *',
      'AzureWebJobs.tick.Disabled': '',
      'AzureWebJobs.files.Disabled': 'true',
    });
    expect(host.endpoints.functions).toEqual(expect.arrayContaining(['echo', 'tick']));
    expect((await fetch(`${host.endpoints.url}/api/echo`)).status).toBe(200);
    expect((await fetch(`${host.endpoints.url}/api/files/a`)).status).toBe(404);
    expect(await host.stop()).toBe(0);
  });

  it('answers 401 if a function needs a key and the host has no keys', async () => {
    const host = await startFixture(['--only', 'http']);
    const headers = { 'x-functions-key': 'undefined' };
    expect((await fetch(`${host.endpoints.url}/api/things/1`, { headers })).status).toBe(401);
    await host.stop();
  });

  it.each([
    ['broken', 'the entry file entry.js failed: BALENA_API_KEY is missing'],
    ['empty', 'no file matches "dist/*.js"'],
  ])('runs without functions if an entry file of %s cannot be loaded', async (app, fault) => {
    const host = await startFixture([], {}, app);
    expect(host.endpoints).toMatchObject({ functions: [], fault: expect.stringContaining(fault) });
    const statuses = ['/', '/admin/host/ping', '/api/provision'].map(async (path) => {
      const response = await fetch(`${host.endpoints.url}${path}`);
      return [response.status, path.startsWith('/api') ? await response.text() : null];
    });
    expect(await Promise.all(statuses)).toEqual([
      [200, null],
      [200, null],
      [404, ''],
    ]);
    expect(await host.stop()).toBe(0);
  });

  it('runs without the function that lacks a setting, and says which', async () => {
    const env = { TICK_SCHEDULE: '', 'AzureWebJobs.tick.Disabled': '', 'AzureWebJobs.work.Disabled': '' };
    const host = await startFixture([], { ...env, FIXTURE_QUEUE: 'q' });
    await host.line(/The 'tick' function is in error: '%TICK_SCHEDULE%' does not resolve to a value/);
    await host.line(/function 'work' was unable to start: .*set FIXTURE_BUS .* or FIXTURE_BUS__fullyQ/);
    await host.line(/The 'reserved' function is in error: The specified route conflicts/);
    expect((await fetch(`${host.endpoints.url}/api/echo`)).status).toBe(200);
    await host.stop();
  });

  it('fails on a taken port with its number, or moves to a free one', async () => {
    const other = createServer();
    const port = String(await listen(other, 0));
    const { code, lines } = await failToStart(join(fixtures, 'app'), ['--only', 'http', '--port', port]);
    expect([code, lines.at(-1)]).toEqual([1, expect.stringContaining(`port ${port} is in use`)]);
    const host = await startFixture(['--only', 'http', '--port', port, '--or-free-port']);
    expect(host.endpoints.url).not.toContain(`:${port}`);
    await host.stop();
    other.close();
  });

  it('refuses a wrong argument in one sentence', async () => {
    const { code, lines } = await failToStart(join(fixtures, 'app'), ['--port', 'http']);
    expect([code, lines.join()]).toEqual([1, expect.stringContaining('a port is a number from 0 to 65535')]);
  });

  it('never quotes a keys file that it cannot read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keys-'));
    const keys = join(folder, 'keys.json');
    await writeFile(keys, '{"master": "a-real-key" oops');
    const { lines } = await failToStart(join(fixtures, 'app'), ['--keys', keys]);
    expect(lines.join()).toContain(`the keys file ${keys} cannot be read: it is not JSON`);
    expect(lines.join()).not.toContain('a-real-key');
    await rm(folder, { recursive: true });
  });
});
