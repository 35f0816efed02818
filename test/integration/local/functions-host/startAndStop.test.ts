import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listen } from '../../../../local/simulators/shared/loopback.js';
import { failToStart, fixtures, startFixture } from './startFixture.js';

describe('starting and stopping the host', () => {
  it('finishes running requests on SIGTERM, accepts no new requests, runs appTerminate and exits with 0', async () => {
    const host = await startFixture(['--only', 'http']);
    const answer = fetch(`${host.endpoints.url}/api/slow`);
    await host.line(/^slow is under way$/);
    const stopped = host.stop();
    const response = await answer;
    expect(await response.text()).toBe('done');
    expect(await stopped).toBe(0);
    expect(host.lines.at(-1)).toBe('hook appTerminate');
    await expect(fetch(`${host.endpoints.url}/api/echo`)).rejects.toThrow();
  });

  it('runs all functions in one process by default, except functions that a setting switches off', async () => {
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

  it('says which entry file failed, and why', async () => {
    const { code, lines } = await failToStart(join(fixtures, 'broken'));
    expect(lines).toEqual([
      'functions host cannot start: the entry file entry.js failed: BALENA_API_KEY is missing',
    ]);
    expect(code).toBe(1);
  });

  it('says that nothing was built', async () => {
    const { code, lines } = await failToStart(join(fixtures, 'empty'));
    expect(lines.join()).toMatch(/no file matches "dist\/\*\.js" .* is the app built\?$/);
    expect(code).toBe(1);
  });

  it('says which setting a trigger lacks', async () => {
    const app = join(fixtures, 'app');
    const noSchedule = await failToStart(app, [], { TICK_SCHEDULE: '' });
    expect(noSchedule.lines.at(-1)).toMatch(/function tick: '%TICK_SCHEDULE%' does not resolve to a value/);
    const env = { TICK_SCHEDULE: '0 0 0 1 1 *', FIXTURE_QUEUE: 'q' };
    const noConnection = await failToStart(app, [], env);
    expect(noConnection.lines.at(-1)).toMatch(/set FIXTURE_BUS .* or FIXTURE_BUS__fullyQualifiedNamespace/);
    expect(noConnection.code).toBe(1);
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
