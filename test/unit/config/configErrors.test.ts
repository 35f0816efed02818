import { ConfigError, readConfigFor } from '../../../src/config/config.js';
import { hub, least, problemsOf, serviceBus, storage, webhookSecret } from './support/environment.js';

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

/** Wrong values for every setting with a syntax. */
const wrong: Record<string, string[]> = {
  BALENA_API_URL: [
    'hunter2',
    'ftp://hunter2/',
    'https://api.balena-cloud.com/v7/hunter2',
    'https://api.balena-cloud.com/?hunter2',
    'https://hunter2@api.balena-cloud.com/',
  ],
  BALENA_REQUESTS_PER_MINUTE: ['59', '1000001', '1e4', '60.5', 'hunter2'],
  BALENA_API_KEY: ['two hunter2', 'hunter2\nhunter2', 'hünter2'],
  IOTHUB_CONNECTION_STRING: [
    'hunter2',
    'HostName=hunter2',
    'SharedAccessKeyName=hunter2;SharedAccessKey=hunter2',
    `${hub};hunter2`,
    `${hub};DeviceId=hunter2`,
    `${hub};HostName=hunter2`,
    hub.replace('aGV5', 'hunter2!'),
    hub.replace(';', '; '),
    hub.replace('HostName', 'hostname'),
    hub.replace('HostName=', 'HostName=https://'),
    hub.replace('aGV5', '"aGV5"'),
    serviceBus,
    storage,
  ],
  CONNECTION_STRING: ['hunter2'],
  IOTHUB_HOST_NAME: ['https://hunter2', 'a hunter2', 'hunter2'],
  IOTHUB_TIER: ['hunter2', 's1', 'B1'],
  IOTHUB_UNITS: ['0', '201', '1.5', '-1', '1e2', '0x10', 'hunter2'],
  SERVICEBUS_CONNECTION: [
    'hunter2',
    'Endpoint=sb://hunter2',
    serviceBus.replace(/SharedAccessKey=.*/, ''),
    serviceBus.replace('aGV5', ''),
    serviceBus.replace('sb://', 'https://'),
    serviceBus.replace(';', ' ;'),
    `${serviceBus};EntityPath=hunter2`,
    `${serviceBus};SharedAccessKey=hunter2`,
    hub,
    storage,
  ],
  SERVICEBUS_CONNECTION__fullyQualifiedNamespace: ['sb://hunter2', 'a hunter2', 'hunter2'],
  PROVISIONING_QUEUE: ['a hunter2', '/hunter2', 'hunter2/', 'hunter2'.repeat(40)],
  RECORDS_CONNECTION: [
    'hunter2',
    'AccountName=',
    'AccountName=hunter2;AccountKey=aGV5',
    'AccountName=hunter2;AccountKey=aGV5;TableEndpoint=nowhere',
    storage.replace('aGV5', 'hunter2!'),
    storage.replace('mystorage', 'My_Hunter2'),
    'TableEndpoint=https://mystorage.table.core.windows.net/',
    'UseDevelopmentStorage=yes',
    serviceBus,
    hub,
  ],
  RECORDS_CONNECTION__accountName: ['My-Hunter2', 'ab'],
  AzureWebJobsStorage: ['hunter2'],
  AzureWebJobsStorage__accountName: ['My-Hunter2'],
  FLEETS: ['hunter2', 'my_org/one,hunter2', 'a/b/c'],
  DEFAULT_SERVICE: ['undefined', 'hunter2'.repeat(40)],
  WEBHOOK_SECRETS: ['hunter2', 'whsec_short', `${webhookSecret},hunter2`, `whsec_${'a'.repeat(33)}`],
  DEVICE_PROOF: ['hunter2', 'on'],
  CERT_KEY: ['hunter2', 'rsa-4096'],
  CERT_DAYS: ['0', '3651', '1e3', '0x10', '5 days', '٥'],
  RENEW_AT: ['1', '0', '0.05', '0.999', '80%', '8e-1', '-0.5'],
  RENEW_SCHEDULE: [
    'hunter2',
    '0 0 3 * *',
    '60 * * * * *',
    '0 60 * * * *',
    '0 0 24 * * *',
    '0 0 0 32 * *',
    '0 0 0 * 13 *',
    '0 0 0 * * 7',
    '0 0 0 L * *',
    '0 0 0 ? * *',
    '0 */0 * * * *',
    '0 30-10 * * * *',
    '0 0 0 31 2 *',
    '0 0 0 * hunter2 *',
    '00:05:00',
    '%RENEW%',
  ],
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
  expect(problems.map((problem) => problem.split(' ')[0]).sort()).toEqual(Object.keys(wrong).sort());
  const { message } = new ConfigError(problems);
  expect(message.split('\n')).toHaveLength(problems.length + 1);
  expect(message).not.toMatch(/hunter2/i);
});

test.each([
  ['a quote', `"${serviceBus}`, /The fault: the value has a quote/],
  ['a blank', serviceBus.replaceAll(';', '; '), /the value has a blank or a line break/],
  ['a part that is empty', serviceBus.replace('aGV5', ''), /the part SharedAccessKey is empty/],
  ['a part that is missing', serviceBus.replace(/;SharedAccessKey=.*/, ''), /: SharedAccessKey missing/],
  ['a part twice', `${serviceBus};SharedAccessKey=x`, /the part SharedAccessKey is there twice/],
  ['an unknown part', `${serviceBus};Sharedaccesskey=x`, /a part is none of Endpoint, .*EntityPath/],
  ['the parts of a hub', hub, /the value belongs to an IoT Hub/],
  ['the parts of a storage account', storage.replace(/^[^;]+;/, ''), /belongs to a storage account/],
  ['another queue', `${serviceBus};EntityPath=other`, /EntityPath .* PROVISIONING_QUEUE/],
])('the fault of a connection string with %s is named', (_, SERVICEBUS_CONNECTION, fault) => {
  expect(problemsOf({ ...least, SERVICEBUS_CONNECTION })).toEqual([expect.stringMatching(fault)]);
});

test.each([
  ['0 0 25 * * *', /The fault: hours out of range/],
  ['0 61 25 * * *', /minutes and hours out of range/],
  ['0 3 * * *', /the number of fields is 5/],
  ['0 0 0 30 2 *', /the time never comes/],
])('the fault of the schedule %s is named', (SWEEP_SCHEDULE, fault) => {
  expect(problemsOf({ ...least, FLEETS: 'my_org/one', SWEEP_SCHEDULE })).toEqual([
    expect.stringMatching(fault),
  ]);
});

test.each(Object.keys(least).concat('FLEETS', 'CERT_DAYS', 'DEFAULT_SERVICE', 'RENEW_SCHEDULE'))(
  '%s in quotes is one problem: the quotes',
  (name) => {
    for (const quote of ['"', "'"]) {
      const value = `${quote}${(least as Record<string, string>)[name] ?? 'hunter2'}${quote}`;
      expect(problemsOf({ ...least, [name]: value })).toEqual([
        expect.stringMatching(new RegExp(`^${name} must be set without the quotes around the value`)),
      ]);
    }
  },
);

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

test('an unresolved reference is found in every setting, because an SDK would use its text', () => {
  const reference = '@Microsoft.KeyVault(SecretUri=https://hunter2.vault.azure.net/secrets/OTHER)';
  const settings = {
    OTEL_EXPORTER_OTLP_HEADERS: reference,
    APPSETTING_OTEL_EXPORTER_OTLP_HEADERS: reference,
  };
  expect(problemsOf({ ...least, ...settings })).toEqual([
    expect.stringMatching(/^OTEL_EXPORTER_OTLP_HEADERS is an unresolved Key Vault reference: /),
  ]);
});

test("a reference of a side that is not needed is nobody's trouble", () => {
  const reference = '@Microsoft.KeyVault(SecretUri=https://myvault.vault.azure.net/secrets/OTHER)';
  expect(() => readConfigFor(['queue'], { ...least, BALENA_API_KEY: reference })).not.toThrow();
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
