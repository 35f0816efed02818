import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHostJson, resolveSettings } from '../../../../local/simulators/functions-host/hostSettings.js';
import { applyLocalSettings } from '../../../../src/config/localSettings.js';

describe('settings', () => {
  let folder: string;
  const write = (name: string, content: unknown) =>
    writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'settings-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('of local.settings.json do not replace what the environment has', async () => {
    await write('local.settings.json', { IsEncrypted: false, Values: { A: 'file', B: 'file' } });
    const env: NodeJS.ProcessEnv = { A: 'environment' };
    await applyLocalSettings(folder, env);
    expect(env).toEqual({ A: 'environment', B: 'file' });
  });

  it('of local.settings.json may be absent', async () => {
    await expect(applyLocalSettings(folder, {})).resolves.toBeUndefined();
  });

  it('reads a file with a byte order mark, as editors on Windows write', async () => {
    await writeFile(join(folder, 'local.settings.json'), '\ufeff{"Values": {"CERT_DAYS": "90"}}');
    const env: Record<string, string | undefined> = {};
    await applyLocalSettings(folder, env);
    expect(env).toEqual({ CERT_DAYS: '90' });
  });

  it('of local.settings.json must be texts that are not encrypted', async () => {
    await write('local.settings.json', { IsEncrypted: true, Values: { A: 1 } });
    await expect(applyLocalSettings(folder, {})).rejects.toThrow(
      /IsEncrypted must be false[\s\S]*Values\.A must be a text/,
    );
  });

  it('of local.settings.json are not quoted where the file is not JSON', async () => {
    await write('local.settings.json', '{"Values": {"BALENA_API_KEY": hunter2}}');
    const error = await applyLocalSettings(folder, {}).catch((thrown) => thrown);
    expect(error.message).toContain('local.settings.json is not JSON');
    expect(error.message).not.toContain('hunter2');
  });

  it('of host.json have the defaults of the real host', async () => {
    await write('host.json', { version: '2.0' });
    expect(await readHostJson(folder, {})).toEqual({
      routePrefix: 'api',
      isTracing: false,
      functionTimeoutMs: 1_800_000,
      // On Flex Consumption, the real host has no limit unless host.json has one.
      http: {
        maxConcurrentRequests: Number.POSITIVE_INFINITY,
        maxOutstandingRequests: Number.POSITIVE_INFINITY,
      },
      serviceBus: {
        maxConcurrentCalls: expect.any(Number),
        maxAutoLockRenewalMs: 300_000,
      },
    });
  });

  it('of host.json are read, and replaced by AzureFunctionsJobHost__ settings', async () => {
    const serviceBus = { maxConcurrentCalls: 16, maxAutoLockRenewalDuration: '1.02:03:04' };
    await write('host.json', {
      version: '2.0',
      telemetryMode: 'openTelemetry',
      functionTimeout: '00:10:00',
      extensions: {
        http: { routePrefix: '', maxConcurrentRequests: -1, maxOutstandingRequests: 500 },
        serviceBus,
      },
    });
    const env = { AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls: '3' };
    expect(await readHostJson(folder, env)).toEqual({
      routePrefix: '',
      isTracing: true,
      http: { maxConcurrentRequests: Number.POSITIVE_INFINITY, maxOutstandingRequests: 500 },
      functionTimeoutMs: 600_000,
      serviceBus: { maxConcurrentCalls: 3, maxAutoLockRenewalMs: 93_784_000 },
    });
  });

  it('of host.json may lift the limit of an invocation', async () => {
    await write('host.json', { version: '2.0', functionTimeout: '-1' });
    expect((await readHostJson(folder, {})).functionTimeoutMs).toBeNull();
  });

  it('of host.json that are not served here are refused', async () => {
    await write('host.json', { version: '2.0', extensions: { serviceBus: { prefetchCount: 10 } } });
    await expect(readHostJson(folder, {})).rejects.toThrow('prefetchCount must be 0');
    await write('host.json', '{');
    await expect(readHostJson(folder, {})).rejects.toThrow(/host\.json cannot be read/);
  });

  it('are put in place of %NAME%, and must exist', () => {
    expect(resolveSettings('a-%X%-%Y%', { X: '1', Y: '2' })).toBe('a-1-2');
    expect(() => resolveSettings('%X%', {})).toThrow("'%X%' does not resolve to a value: set X");
  });
});
