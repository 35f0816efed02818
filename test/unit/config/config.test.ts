import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { ConfigError, readConfig, readConfigFor } from '../../../src/config/config.js';

const hub = 'HostName=myhub.azure-devices.net;SharedAccessKeyName=registryReadWrite;SharedAccessKey=aGV5';
const serviceBus =
  'Endpoint=sb://myspace.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=aGV5';
const storage = 'DefaultEndpointsProtocol=https;AccountName=mystorage;AccountKey=aGV5';
const webhookSecret = `whsec_${Buffer.alloc(32, 'w').toString('base64')}`;
const least = {
  BALENA_API_KEY: 'key',
  IOTHUB_CONNECTION_STRING: hub,
  SERVICEBUS_CONNECTION: serviceBus,
  RECORDS_CONNECTION: storage,
};
const read = (more: Record<string, string | undefined> = {}) => readConfig({ ...least, ...more });
const problemsOf = (env: Record<string, string | undefined>): string[] => {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

test('what is not set has its default', () => {
  expect(read()).toEqual({
    balena: { apiUrl: 'https://api.balena-cloud.com/', apiKey: 'key' },
    hub: { connection: { connectionString: hub } },
    operationsPerMinute: 100,
    queriesPerMinute: 20,
    queue: { connection: { connectionString: serviceBus }, queue: 'provisioning' },
    records: { connection: { connectionString: storage } },
    fleets: null,
    sweepSchedule: null,
    renewSchedule: '0 0 3 * * *',
    defaultService: '',
    webhookSecrets: [],
    deviceProof: 'off',
    certificate: { key: 'ec-p256', days: 365 },
    renewAt: 0.8,
    maxAttempts: 10,
    longestBackOffMs: 3_600_000,
    workLimitMs: 60_000,
    leaseGraceMs: 60_000,
    duplicateWindowMs: 600_000,
    telemetry: null,
  });
});

test.each<[string, string, object]>([
  [
    'BALENA_API_URL',
    'http://127.0.0.1:8080',
    { balena: { apiUrl: 'http://127.0.0.1:8080/', apiKey: 'key' } },
  ],
  ['IOTHUB_TIER', 'S3', { operationsPerMinute: 5_000, queriesPerMinute: 1_000 }],
  ['IOTHUB_UNITS', '3', { operationsPerMinute: 300, queriesPerMinute: 60 }],
  ['PROVISIONING_QUEUE', 'fleet/one', { queue: { queue: 'fleet/one' } }],
  ['FLEETS', 'my_org/one, my_org/two ,', { fleets: ['my_org/one', 'my_org/two'] }],
  ['FLEETS', ' , ', { fleets: null }],
  ['DEFAULT_SERVICE', 'cloud-relay', { defaultService: 'cloud-relay' }],
  [
    'WEBHOOK_SECRETS',
    `${webhookSecret}, ${webhookSecret}`,
    { webhookSecrets: [webhookSecret, webhookSecret] },
  ],
  ['DEVICE_PROOF', 'required', { deviceProof: 'required' }],
  ['CERT_KEY', 'rsa-2048', { certificate: { key: 'rsa-2048', days: 365 } }],
  ['CERT_DAYS', '90', { certificate: { key: 'ec-p256', days: 90 } }],
  ['RENEW_AT', '0.5', { renewAt: 0.5 }],
  ['RENEW_AT', '.66', { renewAt: 0.66 }],
  ['MAX_ATTEMPTS', '3', { maxAttempts: 3 }],
  ['LONGEST_BACK_OFF_SECONDS', '30', { longestBackOffMs: 30_000 }],
  ['WORK_LIMIT_SECONDS', '20', { workLimitMs: 20_000 }],
  ['LEASE_GRACE_SECONDS', '5', { leaseGraceMs: 5_000 }],
  ['DUPLICATE_WINDOW_SECONDS', '20', { duplicateWindowMs: 20_000 }],
])('%s can be %s', (name, value, expected) => {
  expect(read({ [name]: value })).toMatchObject(expected);
});

test('the hub can be named by the old name of its connection string', () => {
  const { IOTHUB_CONNECTION_STRING, ...rest } = least;
  const { hub: read } = readConfig({ ...rest, CONNECTION_STRING: IOTHUB_CONNECTION_STRING });
  expect(read.connection).toEqual({ connectionString: hub });
});

test('a host name means managed identity, and goes before the old name', () => {
  const { IOTHUB_CONNECTION_STRING: _, ...rest } = least;
  const IOTHUB_HOST_NAME = 'myhub.azure-devices.net';
  const connection = { hostName: IOTHUB_HOST_NAME };
  expect(readConfig({ ...rest, IOTHUB_HOST_NAME }).hub.connection).toEqual(connection);
  expect(readConfig({ ...rest, IOTHUB_HOST_NAME, CONNECTION_STRING: hub }).hub.connection).toEqual(
    connection,
  );
  expect(read({ IOTHUB_HOST_NAME }).hub.connection).toEqual({ connectionString: hub });
});

test('the hub may be at a port', () => {
  const IOTHUB_CONNECTION_STRING = hub.replace('.net', '.net:8443');
  expect(read({ IOTHUB_CONNECTION_STRING }).hub.connection).toEqual({
    connectionString: IOTHUB_CONNECTION_STRING,
  });
});

test('queue and records can be reached with managed identity', () => {
  const config = readConfig({
    BALENA_API_KEY: 'key',
    IOTHUB_HOST_NAME: 'myhub.azure-devices.net',
    SERVICEBUS_CONNECTION__fullyQualifiedNamespace: 'myspace.servicebus.windows.net',
    RECORDS_CONNECTION__accountName: 'mystorage',
  });
  expect(config.queue.connection).toEqual({ fullyQualifiedNamespace: 'myspace.servicebus.windows.net' });
  expect(config.records.connection).toEqual({ accountName: 'mystorage' });
});

test("the records live in the host's own account if no other is named", () => {
  const own = { RECORDS_CONNECTION: undefined };
  const connectionString = 'UseDevelopmentStorage=true';
  expect(read({ ...own, AzureWebJobsStorage: connectionString }).records.connection).toEqual({
    connectionString,
  });
  expect(read({ ...own, AzureWebJobsStorage__accountName: 'hosts' }).records.connection).toEqual({
    accountName: 'hosts',
  });
  expect(read({ AzureWebJobsStorage: connectionString }).records.connection).toEqual({
    connectionString: storage,
  });
});

test('space around a value does not count', () => {
  expect(read({ BALENA_API_KEY: 'key\n', CERT_DAYS: ' 5 ' })).toMatchObject({
    balena: { apiKey: 'key' },
    certificate: { days: 5 },
  });
});

test('an empty setting counts as one that is not there', () => {
  expect(read({ CERT_DAYS: '', MAX_ATTEMPTS: '  ', FLEETS: '' })).toEqual(read());
  expect(problemsOf({ ...least, BALENA_API_KEY: ' ' })).toEqual([
    expect.stringContaining('BALENA_API_KEY is required'),
  ]);
});

test('all that is missing is named at once', () => {
  expect(problemsOf({})).toEqual([
    expect.stringMatching(/^BALENA_API_KEY is required: /),
    expect.stringMatching(/^IOTHUB_CONNECTION_STRING or CONNECTION_STRING or IOTHUB_HOST_NAME is required: /),
    expect.stringMatching(
      /^SERVICEBUS_CONNECTION or SERVICEBUS_CONNECTION__fullyQualifiedNamespace is required: /,
    ),
    expect.stringMatching(
      /^RECORDS_CONNECTION or RECORDS_CONNECTION__accountName or AzureWebJobsStorage or AzureWebJobsStorage__accountName is required: /,
    ),
  ]);
});

/** Every setting that can be wrong, with wrong values. */
const wrong: Record<string, string[]> = {
  BALENA_API_URL: ['hunter2', 'ftp://hunter2/'],
  IOTHUB_CONNECTION_STRING: [
    'hunter2',
    'HostName=hunter2',
    'SharedAccessKeyName=hunter2;SharedAccessKey=hunter2',
  ],
  CONNECTION_STRING: ['hunter2'],
  IOTHUB_HOST_NAME: ['https://hunter2', 'a hunter2'],
  IOTHUB_TIER: ['hunter2', 's1', 'B1'],
  IOTHUB_UNITS: ['0', '201', '1.5', '-1', '1e2', '0x10', 'hunter2'],
  SERVICEBUS_CONNECTION: ['hunter2', 'Endpoint=sb://hunter2', serviceBus.replace(/SharedAccessKey=.*/, '')],
  SERVICEBUS_CONNECTION__fullyQualifiedNamespace: ['sb://hunter2', 'a hunter2'],
  PROVISIONING_QUEUE: ['a hunter2'],
  RECORDS_CONNECTION: ['hunter2', 'AccountName='],
  RECORDS_CONNECTION__accountName: ['My-Hunter2', 'ab'],
  AzureWebJobsStorage: ['hunter2'],
  AzureWebJobsStorage__accountName: ['My-Hunter2'],
  FLEETS: ['hunter2', 'my_org/one,hunter2', 'a/b/c'],
  WEBHOOK_SECRETS: ['hunter2', 'whsec_short', `${webhookSecret},hunter2`],
  DEVICE_PROOF: ['hunter2', 'on'],
  CERT_KEY: ['hunter2', 'rsa-4096'],
  CERT_DAYS: ['0', '3651', '1e3', '0x10', '5 days', '٥'],
  RENEW_AT: ['1', '0', '0.05', '0.999', '80%', '8e-1', '-0.5'],
  MAX_ATTEMPTS: ['0', '101', '1e1', 'hunter2'],
  LONGEST_BACK_OFF_SECONDS: ['0', '86401', '1h'],
  WORK_LIMIT_SECONDS: ['0', '151', '60s'],
  LEASE_GRACE_SECONDS: ['0', '151', '60s'],
  DUPLICATE_WINDOW_SECONDS: ['19', '604801', '10 min'],
  OTEL_EXPORTER_OTLP_ENDPOINT: ['hunter2', 'ftp://hunter2', 'hunter2:4318'],
  OTEL_EXPORTER_OTLP_PROTOCOL: ['grpc', 'hunter2'],
  OTEL_SERVICE_NAME: ['hunter2'.repeat(40)],
  APPLICATIONINSIGHTS_CONNECTION_STRING: ['hunter2', 'InstrumentationKey=;IngestionEndpoint=https://hunter2'],
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: ['hunter2', 'ClientId=hunter2'],
};
const each = Object.entries(wrong).flatMap(([name, values]) => values.map((value) => [name, value]));

test.each(each)(
  '%s cannot be %j: the error says what it can be, with an example, and not what it is',
  (name, value) => {
    const problems = problemsOf({ ...least, [name]: value });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(new RegExp(`^${name} must be .*(such as| or )`));
    expect(problems[0]).not.toMatch(/hunter2/i);
  },
);

test('all that is wrong or missing is in the one message, a line each, without a value', () => {
  const all = Object.fromEntries(Object.entries(wrong).map(([name, [value]]) => [name, value]));
  const problems = problemsOf(all);
  expect(problems.map((problem) => problem.split(' ')[0]).sort()).toEqual(
    ['BALENA_API_KEY', ...Object.keys(wrong)].sort(),
  );
  const { message } = new ConfigError(problems);
  expect(message.split('\n')).toHaveLength(problems.length + 1);
  expect(message).not.toMatch(/hunter2/i);
});

test.each(['BALENA_API_KEY', 'WEBHOOK_SECRETS', 'DEFAULT_SERVICE', 'CERT_DAYS', 'IOTHUB_CONNECTION_STRING'])(
  '%s cannot be a reference to Key Vault that App Service did not resolve',
  (name) => {
    const reference = '@Microsoft.KeyVault(SecretUri=https://hunter2.vault.azure.net/secrets/BALENA-API-KEY)';
    const problems = problemsOf({ ...least, [name]: reference });
    expect(problems).toEqual([
      expect.stringMatching(
        new RegExp(`^${name} is an unresolved Key Vault reference: .*secret exists.*identity .* read it`),
      ),
    ]);
    expect(problems[0]).not.toMatch(/hunter2/);
  },
);

test("a reference of a side that is not needed, or in a setting that is not ours, is nobody's trouble", () => {
  const reference = '@Microsoft.KeyVault(SecretUri=https://myvault.vault.azure.net/secrets/OTHER)';
  expect(() => readConfigFor(['queue'], { ...least, BALENA_API_KEY: reference })).not.toThrow();
  expect(() => read({ OTHER: reference })).not.toThrow();
});

test('who does without some sides needs none of their settings, and is not told that they are wrong', () => {
  const env = { SERVICEBUS_CONNECTION: serviceBus, RECORDS_CONNECTION: storage };
  const config = readConfigFor(['queue', 'records'], {
    ...env,
    IOTHUB_HOST_NAME: 'not a host',
    IOTHUB_UNITS: '3',
  });
  expect(config).toMatchObject({
    queue: { connection: { connectionString: serviceBus } },
    records: { connection: { connectionString: storage } },
    operationsPerMinute: 300,
  });
  expect(Object.keys(config)).not.toContain('hub');
  expect(Object.keys(config)).not.toContain('balena');
  expect(() => readConfigFor(['queue', 'balena'], env)).toThrow('BALENA_API_KEY is required');
  expect(() => readConfigFor(['records'], {})).toThrow('RECORDS_CONNECTION or');
  expect(() => readConfigFor([], { CERT_DAYS: '0' })).toThrow('CERT_DAYS must be');
});

test('nothing but the configuration reads the environment', () => {
  const root = projectFolder();
  const files = ['src', 'functions'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(folder, file)),
  );
  expect(files.length).toBeGreaterThan(50);
  const readers = files.filter((file) =>
    /process\s*\.\s*env|\benv\b.*from 'node:process'/.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(readers).toEqual([join('src', 'config', 'config.ts')]);
});

describe('telemetry', () => {
  const connectionString =
    'InstrumentationKey=00000000-0000-0000-0000-000000000000;IngestionEndpoint=https://x';

  test('goes to a collector, to Application Insights, or to both', () => {
    expect(read({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/' }).telemetry).toEqual({
      serviceName: 'balena-azure-iot-provisioner',
      otlpEndpoint: 'http://127.0.0.1:4318',
      applicationInsights: null,
    });
    expect(
      read({
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
        APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString,
      }).telemetry,
    ).toMatchObject({
      otlpEndpoint: 'http://127.0.0.1:4318',
      applicationInsights: { connectionString, identity: null },
    });
  });

  test.each([
    ['Authorization=AAD', null],
    ['Authorization=AAD;ClientId=1a2b', '1a2b'],
    ['ClientId=1a2b;Authorization=AAD', '1a2b'],
  ])('can use the managed identity: %s', (APPLICATIONINSIGHTS_AUTHENTICATION_STRING, clientId) => {
    const { telemetry } = read({
      APPLICATIONINSIGHTS_CONNECTION_STRING: connectionString,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING,
    });
    expect(telemetry?.applicationInsights?.identity).toEqual({ clientId });
  });

  test('calls itself what the host calls itself, or what it is told to', () => {
    const on = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', WEBSITE_SITE_NAME: 'myfunctions' };
    expect(read(on).telemetry?.serviceName).toBe('myfunctions');
    expect(read({ ...on, OTEL_SERVICE_NAME: 'mine' }).telemetry?.serviceName).toBe('mine');
  });
});

test('a schedule has six fields, or is off', () => {
  const FLEETS = 'my_org/my_fleet';
  expect(read({ FLEETS, SWEEP_SCHEDULE: '0 30 * * * *' }).sweepSchedule).toBe('0 30 * * * *');
  expect(read({ SWEEP_SCHEDULE: 'off', RENEW_SCHEDULE: 'off' })).toMatchObject({
    sweepSchedule: null,
    renewSchedule: null,
  });
  expect(() => read({ RENEW_SCHEDULE: '30 * * * *' })).toThrow(
    'RENEW_SCHEDULE must be off, or a schedule of six fields',
  );
});

test('a sweep needs the fleets that it is to sweep', () => {
  expect(() => read({ SWEEP_SCHEDULE: '0 0 * * * *' })).toThrow('SWEEP_SCHEDULE needs FLEETS');
});
