import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { findSystem } from '../../../cli/session/findSystem.js';
import { ConfigError } from '../../../src/config/config.js';

describe('findSystem', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'system-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const endpoints = {
    settings: { IOTHUB_UNITS: '3' },
    functions: { url: 'http://127.0.0.1:1' },
    serviceBus: { connectionString: 'Endpoint=sb://127.0.0.1:1', queue: 'provisioning', port: 1 },
    tables: { connectionString: 'TableEndpoint=http://127.0.0.1:1/local' },
    balena: { apiUrl: 'http://127.0.0.1:1/', apiKey: 'local key', devices: [] },
  };
  const start = (written: unknown = endpoints) =>
    writeFile(
      join(folder, 'endpoints.json'),
      typeof written === 'string' ? written : JSON.stringify(written),
    );

  it('uses the settings for queue or records, and mixes in no local part', async () => {
    await start();
    const env = {
      SERVICEBUS_CONNECTION: 'Endpoint=sb://myspace.servicebus.windows.net/;SharedAccessKey=hunter2',
    };
    const system = await findSystem(env);
    expect(system).toMatchObject({ local: false, trustedCertificates: null, settings: env });
    expect(system.settings.RECORDS_CONNECTION).toBeUndefined();
    expect(system.name).toContain('queue provisioning at myspace.servicebus.windows.net');
    expect(system.name).not.toContain('hunter2');
    expect(
      (
        await findSystem({
          SERVICEBUS_CONNECTION__fullyQualifiedNamespace: 'myspace.servicebus.windows.net',
          RECORDS_CONNECTION__accountName: 'mystorage',
          PROVISIONING_QUEUE: 'other',
        })
      ).name,
    ).toBe('queue other at myspace.servicebus.windows.net, records in mystorage');
  });

  it('says that the local system does not run, and does not connect to another system on its ports', async () => {
    const claim =
      process.platform === 'win32' ? `\\\\.\\pipe\\${basename(folder)}` : join(folder, 'claim.sock');
    await start({ ...endpoints, claim });
    await expect(findSystem({}, folder)).rejects.toMatchObject({
      name: 'CliError',
      exitCode: 5,
      message: expect.stringMatching(
        /^The local system in .* does not run\. Start the system with npm start -- --folder /,
      ),
    });
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(claim, resolve));
    try {
      expect(await findSystem({}, folder)).toMatchObject({ local: true });
    } finally {
      server.close();
    }
  });

  it('uses the local system of --folder, even with settings for another system', async () => {
    await start();
    await writeFile(join(folder, 'trusted.pem'), 'a certificate');
    const system = await findSystem({ SERVICEBUS_CONNECTION: 'real', BALENA_API_KEY: 'real' }, folder);
    expect(system).toMatchObject({
      local: true,
      trustedCertificates: 'a certificate',
      settings: {
        SERVICEBUS_CONNECTION: 'Endpoint=sb://127.0.0.1:1',
        PROVISIONING_QUEUE: 'provisioning',
        RECORDS_CONNECTION: 'TableEndpoint=http://127.0.0.1:1/local',
        BALENA_API_KEY: 'local key',
        IOTHUB_UNITS: '3',
      },
    });
  });

  it('keeps the real settings of a dependency without a simulator', async () => {
    const { balena: _, ...others } = endpoints;
    await start(others);
    const { settings } = await findSystem({ BALENA_API_KEY: 'real' }, folder);
    expect(settings.BALENA_API_KEY).toBe('real');
  });

  it('throws if there is no local system, or endpoints.json cannot be read', async () => {
    await expect(findSystem({}, folder)).rejects.toThrow('has no endpoints.json');
    await start('{"serviceBus": hunter2');
    const error = await findSystem({}, folder).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.message).not.toContain('hunter2');
  });
});
