import { readConfig } from '../../../src/config/config.js';
import { settingNames } from '../../../src/config/settings.js';
import { evaluate, Unknown } from './support/evaluate.js';
import { descendants } from './support/readBicep.js';
import { readInfra } from './support/readInfra.js';

const infra = await readInfra();
const main = infra.get('main.bicep')!;
const settingsNode = main.modules.find(({ symbol }) => symbol === 'functions')!.params.get('settings')!;

/** Example values for settings that only Azure knows. */
const outputs = {
  'identity.outputs.clientId': '00000000-0000-0000-0000-000000000000',
  'storage.outputs.name': 'stabc',
  'monitoring.outputs.connectionString': 'InstrumentationKey=0;IngestionEndpoint=https://abc.example/',
  'keyVault.outputs.balenaApiKeyReference': 'key',
  'keyVault.outputs.webhookSecretsReference': `whsec_${Buffer.alloc(32, 'w').toString('base64')}`,
  'hub.outputs.hostName': 'iot-abc.azure-devices.net',
  'hub.outputs.tier': 'S2',
  'hub.outputs.units': 3,
  'serviceBus.outputs.hostName': 'sb-abc.servicebus.windows.net',
};
const settings = (given: Record<string, unknown> = {}) =>
  evaluate(settingsNode, main, { ...outputs, moreSettings: {}, ...given }) as Record<string, string>;

/** Deliberately not set in Azure. `moreSettings` can set these settings. */
const left: Record<string, string> = {
  BALENA_API_URL: 'balenaCloud is the default',
  IOTHUB_CONNECTION_STRING: 'managed identity instead',
  CONNECTION_STRING: 'the old name of the one before',
  SERVICEBUS_CONNECTION: 'managed identity instead',
  RECORDS_CONNECTION: 'managed identity instead',
  RECORDS_CONNECTION__accountName: 'the records are in the account of AzureWebJobsStorage',
  AzureWebJobsStorage: 'managed identity instead',
  UNSERVED_IDENTITY: 'removing is the default',
  RENEW_AT: 'the default is right for a certificate of any length',
  RENEW_SCHEDULE: 'daily is the default',
  MAX_ATTEMPTS: 'the default is part of the protocol',
  LONGEST_BACK_OFF_SECONDS: 'the default is part of the protocol',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'telemetry goes to Application Insights',
  OTEL_EXPORTER_OTLP_PROTOCOL: 'telemetry goes to Application Insights',
  OTEL_SERVICE_NAME: 'the name of the app is the default',
  WEBSITE_SITE_NAME: 'App Service sets it',
};

/** Not for src/config/settings.ts, or not only: for the host and the SDKs. */
const hosts = [
  'APPLICATIONINSIGHTS_AUTHENTICATION_STRING',
  'APPLICATIONINSIGHTS_CONNECTION_STRING',
  'AZURE_CLIENT_ID',
  'AzureWebJobsStorage__clientId',
  'AzureWebJobsStorage__credential',
  'SERVICEBUS_CONNECTION__clientId',
  'SERVICEBUS_CONNECTION__credential',
];

test('every setting of the code is set in Azure, or left at its default for a reason', () => {
  const set = Object.keys(settings({ webhooks: true }));
  expect(settingNames.filter((name) => !set.includes(name) && !(name in left))).toEqual([]);
  expect(set.filter((name) => name in left)).toEqual([]);
  expect(set.filter((name) => !settingNames.includes(name) && !hosts.includes(name))).toEqual([]);
});

test('the code takes them, and they come to its defaults and the hub that there is', () => {
  const { APPLICATIONINSIGHTS_CONNECTION_STRING, APPLICATIONINSIGHTS_AUTHENTICATION_STRING } = settings();
  expect(readConfig(settings())).toEqual({
    ...readConfig({
      APPLICATIONINSIGHTS_CONNECTION_STRING,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING,
      BALENA_API_KEY: 'key',
      IOTHUB_HOST_NAME: 'iot-abc.azure-devices.net',
      SERVICEBUS_CONNECTION__fullyQualifiedNamespace: 'sb-abc.servicebus.windows.net',
      RECORDS_CONNECTION__accountName: 'stabc',
    }),
    operationsPerMinute: 300,
    queriesPerMinute: 60,
  });
});

test('all of them are known, and texts', () => {
  for (const value of Object.values(settings({ webhooks: true }))) expect(value).not.toBeInstanceOf(Unknown);
  for (const value of Object.values(settings())) expect(typeof value).toBe('string');
});

test('what an operator chooses arrives', () => {
  const given = {
    webhooks: true,
    fleets: 'my_org/one, my_org/two',
    defaultService: 'main',
    deviceProof: 'required',
    certificateKey: 'rsa-2048',
    certificateDays: 90,
    sweepSchedule: '0 */15 * * * *',
    moreSettings: { MAX_ATTEMPTS: '5' },
  };
  expect(readConfig(settings(given))).toMatchObject({
    webhookSecrets: [outputs['keyVault.outputs.webhookSecretsReference']],
    fleets: ['my_org/one', 'my_org/two'],
    defaultService: 'main',
    deviceProof: 'required',
    certificate: { key: 'rsa-2048', days: 90 },
    sweepSchedule: '0 */15 * * * *',
    maxAttempts: 5,
  });
});

test('a sweep without fleets is off: the functions would not start', () => {
  expect(settings({ sweepSchedule: '0 */15 * * * *' }).SWEEP_SCHEDULE).toBe('off');
});

test.each([
  [false, '', false],
  [false, 'whsec_x', true],
  [true, '', true],
  [true, 'whsec_x', true],
])(
  'webhooks asked for: %s, secrets given: "%s"; the functions are told of the secrets: %s',
  (webhooks, webhookSecrets, told) => {
    expect('WEBHOOK_SECRETS' in settings({ webhooks, webhookSecrets })).toBe(told);
  },
);

test('secrets go into Key Vault and nowhere else, and no output is one', () => {
  const secure = [...main.parameters].filter(([, { secure }]) => secure).map(([name]) => name);
  expect(secure).toEqual(['balenaApiKey', 'webhookSecrets']);
  for (const { symbol, params } of main.modules) {
    const used = [...params.values()].flatMap((node) => descendants(node)).map(({ text }) => text);
    const here = secure.filter((name) => used.includes(name));
    expect({ symbol, here }).toEqual({ symbol, here: symbol === 'keyVault' ? secure : [] });
  }
  const vault = infra.get('modules/keyVault.bicep')!;
  for (const name of secure) expect(vault.parameters.get(name)?.secure).toBe(true);
  for (const file of infra.values()) {
    expect(file.root.text).not.toMatch(/listKeys|listAccountSas|listSecrets/);
    for (const node of file.outputs.values()) {
      expect(descendants(node).filter(({ text }) => secure.includes(text))).toEqual([]);
    }
  }
});
