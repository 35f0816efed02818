import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { readConfig } from '../../../src/config/config.js';
import { hub, least, problemsOf, read, serviceBus, storage, webhookSecret } from './support/environment.js';

test('what is not set has its default', () => {
  expect(read()).toEqual({
    balena: { apiUrl: 'https://api.balena-cloud.com/', apiKey: 'key' },
    balenaRequestsPerMinute: 3_000,
    ca: null,
    hub: { connection: { connectionString: hub } },
    hubHost: 'myhub.azure-devices.net',
    operationsPerMinute: 100,
    queriesPerMinute: 20,
    guessedQuota: null,
    queue: { connection: { connectionString: serviceBus }, queue: 'provisioning' },
    records: { connection: { connectionString: storage } },
    fleets: null,
    sweepSchedule: null,
    unservedIdentity: 'remove',
    renewSchedule: '0 0 3 * * *',
    defaultService: '',
    webhookSecrets: [],
    deviceProof: 'off',
    certificate: { key: 'ec-p256', days: 365 },
    renewAt: 0.8,
    maxAttempts: 10,
    links: { azure: null, balena: null, runbook: null },
    signIn: null,
    longestBackOffMs: 3_600_000,
    workLimitMs: 60_000,
    isWorkerDisabled: false,
    keepIssuedMs: 604_800_000,
    keepDeprovisionedMs: 30 * 86_400_000,
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
  [
    'BALENA_API_URL',
    'https://API.balena.example',
    { balena: { apiUrl: 'https://api.balena.example/', apiKey: 'key' } },
  ],
  [
    'SERVICEBUS_CONNECTION',
    `${serviceBus};EntityPath=provisioning`,
    { queue: { connection: { connectionString: `${serviceBus};EntityPath=provisioning` } } },
  ],
  [
    'RECORDS_CONNECTION',
    'TableEndpoint=https://mystorage.table.core.windows.net/;SharedAccessSignature=sv=2022&sig=a%3D',
    {},
  ],
  ['RECORDS_CONNECTION', `${storage};EndpointSuffix=core.windows.net;`, {}],
  ['RENEW_SCHEDULE', '*/5 0,30 1-5 1 jan-MAR Mon', { renewSchedule: '*/5 0,30 1-5 1 jan-MAR Mon' }],
  [
    'IOTHUB_TIER',
    'S3',
    { operationsPerMinute: 5_000, queriesPerMinute: 1_000, balenaRequestsPerMinute: 50_000 },
  ],
  [
    'IOTHUB_TIER',
    'B3',
    {
      operationsPerMinute: 5_000,
      queriesPerMinute: 1_000,
      guessedQuota: null,
      balenaRequestsPerMinute: 50_000,
    },
  ],
  ['IOTHUB_TIER', 'GEN2', { operationsPerMinute: 100, queriesPerMinute: 20, balenaRequestsPerMinute: 3_000 }],
  [
    'IOTHUB_OPERATIONS_PER_MINUTE',
    '450',
    { operationsPerMinute: 450, queriesPerMinute: 20, balenaRequestsPerMinute: 4_500 },
  ],
  ['IOTHUB_UNITS', '3', { operationsPerMinute: 300, queriesPerMinute: 60, balenaRequestsPerMinute: 3_000 }],
  ['BALENA_REQUESTS_PER_MINUTE', '600', { balenaRequestsPerMinute: 600 }],
  ['PROVISIONING_QUEUE', 'fleet/one', { queue: { queue: 'fleet/one' } }],
  ['FLEETS', 'my_org/one, my_org/two ,', { fleets: ['my_org/one', 'my_org/two'] }],
  ['FLEETS', 'My_Org/One', { fleets: ['my_org/one'] }],
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
