import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { checkQueue } from '../../../cli/doctor/checkQueue.js';
import { checkSettings } from '../../../cli/doctor/checkSettings.js';
import { readConfigFor } from '../../../src/config/config.js';
import { useBroker } from '../local/servicebus/support/useBroker.js';

describe('checkQueue', () => {
  const broker = useBroker([
    { name: 'good', lockDurationMs: 120_000, duplicateWindowMs: 600_000, deadLetterOnExpiry: true },
    { name: 'bad', lockDurationMs: 60_000, maxDeliveryCount: 3 },
    { name: 'other', lockDurationMs: 300_000, duplicateWindowMs: 60_000, deadLetterOnExpiry: true },
  ]);
  const before = getCACertificates('default');
  beforeAll(async () => {
    setDefaultCACertificates([...before, await readFile(broker.caFile, 'utf8')]);
  });
  afterAll(() => setDefaultCACertificates(before));

  const check = async (queue: string) => {
    const env = { SERVICEBUS_CONNECTION: broker.connectionString, PROVISIONING_QUEUE: queue };
    const checks = await checkQueue(readConfigFor(['queue'], env));
    return Object.fromEntries(checks.map(({ name, level }) => [name.replace('queue: ', ''), level]));
  };

  it('reports ok for a queue with the expected properties', async () => {
    expect(await check('good')).toEqual({
      send: 'ok',
      listen: 'ok',
      manage: 'ok',
      lock: 'ok',
      duplicates: 'ok',
      deliveries: 'ok',
      expiry: 'ok',
    });
  });

  it('reports properties that differ from the settings', async () => {
    expect(await check('bad')).toMatchObject({
      lock: 'failed',
      duplicates: 'failed',
      deliveries: 'warning',
      expiry: 'warning',
    });
    expect(await check('other')).toMatchObject({ lock: 'ok', duplicates: 'failed' });
  });

  it('reports a missing queue only once for each right', async () => {
    expect(await check('nope')).toEqual({ send: 'failed', listen: 'failed' });
  });
});

describe('checkSettings', () => {
  const env = {
    SERVICEBUS_CONNECTION: 'Endpoint=sb://a/;SharedAccessKeyName=a;SharedAccessKey=hunter2',
    RECORDS_CONNECTION: 'hunter2',
    CERT_DAYS: '0',
  };

  it('reports every missing or wrong setting, without the value', () => {
    const { checks } = checkSettings(env);
    expect(checks.map(({ name }) => name).sort()).toEqual([
      'BALENA_API_KEY',
      'CERT_DAYS',
      'IOTHUB_CONNECTION_STRING',
      'RECORDS_CONNECTION',
    ]);
    expect(JSON.stringify(checks)).not.toContain('hunter2');
  });

  it('checks the other parts although the certificate of the CA is wrong', () => {
    const { checks, configFor } = checkSettings({
      ...env,
      CA_CERTIFICATE: 'x',
      CA_KEY_VAULT_KEY: 'https://myvault.vault.azure.net/keys/ca',
    });
    expect(checks.map(({ name }) => name)).toContain('CA_CERTIFICATE');
    expect(configFor('queue')).not.toBeNull();
  });

  it('returns a configuration only for systems with correct settings', () => {
    const { configFor } = checkSettings(env);
    expect(configFor('queue')?.certificate.days).toBe(365);
    expect(configFor('records')).toBeNull();
    expect(configFor('hub')).toBeNull();
  });
});
