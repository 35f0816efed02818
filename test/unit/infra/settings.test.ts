import { readConfig } from '../../../src/config/config.js';
import { settingNames } from '../../../src/config/settings.js';
import {
  deploymentOf,
  type Example,
  examples,
  isExpression,
  resourceOf,
  resourcesOf,
  settingsOf,
  valueAt,
} from './support/snapshots.js';

/** The settings with values that only Azure knows: the property that the expression reads, and an example of the value. */
const known: Record<string, [expression: RegExp, example: string]> = {
  AZURE_CLIENT_ID: [/userAssignedIdentities.*\.clientId\]$/, '00000000-0000-0000-0000-000000000000'],
  AzureWebJobsStorage__clientId: [
    /userAssignedIdentities.*\.clientId\]$/,
    '00000000-0000-0000-0000-000000000000',
  ],
  SERVICEBUS_CONNECTION__clientId: [
    /userAssignedIdentities.*\.clientId\]$/,
    '00000000-0000-0000-0000-000000000000',
  ],
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: [
    /^\[format\('Authorization=AAD;ClientId=\{0\}', .*\.clientId\)\]$/,
    'Authorization=AAD;ClientId=00000000-0000-0000-0000-000000000000',
  ],
  APPLICATIONINSIGHTS_CONNECTION_STRING: [
    /Insights\/components.*\.ConnectionString\]$/,
    'InstrumentationKey=0;IngestionEndpoint=https://abc.example/',
  ],
  BALENA_API_KEY: [
    /^\[format\('@Microsoft.KeyVault\(SecretUri=\{0\}secrets\/\{1\}\)', .*vaultUri, 'BALENA-API-KEY'\)\]$/,
    'key',
  ],
  WEBHOOK_SECRETS: [
    /^\[format\('@Microsoft.KeyVault\(SecretUri=\{0\}secrets\/\{1\}\)', .*vaultUri, 'WEBHOOK-SECRETS'\)\]$/,
    `whsec_${Buffer.alloc(32, 'w').toString('base64')}`,
  ],
  CA_KEY_VAULT_KEY: [
    /keys\/device-ca', '[\d-]+'\)\.keyUriWithVersion\]$/,
    'https://kv-abc.vault.azure.net/keys/device-ca/0123456789abcdef0123456789abcdef',
  ],
  IOTHUB_HOST_NAME: [/IotHubs\/[\w-]+', '[\d-]+'\)\.hostName\]$/, 'iot-abc.azure-devices.net'],
  IOTHUB_TIER: [/^\[reference\(.*'full'\)\.sku\.name\]$/, 'S2'],
  IOTHUB_UNITS: [/^\[string\(reference\(.*'full'\)\.sku\.capacity\)\]$/, '3'],
};

/** The settings as the functions read them, with examples for the values that only Azure knows. */
const settings = (example: Example) =>
  Object.fromEntries(
    Object.entries(settingsOf(example)).map(([name, value]) => [
      name,
      isExpression(value) ? known[name]![1] : value,
    ]),
  );

/** Deliberately not set in Azure. `moreSettings` can set these settings. */
const left: Record<string, string> = {
  BALENA_API_URL: 'balenaCloud is the default',
  DEVICE_LINK_BALENA: 'no link is the default',
  DEVICE_LINK_AZURE: 'no link is the default',
  RUNBOOK_LINK: 'no link is the default',
  OPS_SIGN_IN: 'off is the default: App Service Authentication is set up by hand',
  WEBSITE_AUTH_ENABLED: 'App Service sets it',
  BALENA_REQUESTS_PER_MINUTE: 'the default follows the tier and the units of the hub',
  CA_FILE: 'Key Vault instead',
  KEEP_ISSUED_DAYS: 'the default suits most fleets',
  KEEP_DEPROVISIONED_DAYS: 'the default suits most fleets',
  IOTHUB_CONNECTION_STRING: 'managed identity instead',
  CONNECTION_STRING: 'the old name of the one before',
  SERVICEBUS_CONNECTION: 'managed identity instead',
  RECORDS_CONNECTION: 'managed identity instead',
  RECORDS_CONNECTION__accountName: 'the records are in the account of AzureWebJobsStorage',
  AzureWebJobsStorage: 'managed identity instead',
  UNSERVED_IDENTITY: 'removing is the default',
  RENEW_AT: 'the default is right for a certificate of any length',
  RENEW_SCHEDULE: 'daily is the default',
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
  'FUNCTIONS_REQUEST_BODY_SIZE_LIMIT',
  'SERVICEBUS_CONNECTION__clientId',
  'SERVICEBUS_CONNECTION__credential',
];

/** Only the full example has a CA. */
const caOf = ({ CA_CERTIFICATE, CA_KEY_VAULT_KEY }: Record<string, string>) => ({
  CA_CERTIFICATE,
  CA_KEY_VAULT_KEY,
});

test('every setting of the code is set in Azure, or left at its default for a reason', () => {
  const set = Object.keys({ ...settings('existingHub'), ...caOf(settings('full')) }).filter(
    (name) => name !== 'RENEW_SCHEDULE',
  );
  expect(settingNames.filter((name) => !set.includes(name) && !(name in left))).toEqual([]);
  expect(set.filter((name) => name in left)).toEqual([]);
  expect(set.filter((name) => !settingNames.includes(name) && !hosts.includes(name))).toEqual([]);
});

test.each(examples)('%s: a value that only Azure knows is read from the right resource', (example) => {
  const expressions = Object.entries(settingsOf(example)).filter(([, value]) => isExpression(value));
  expect(expressions.length).toBeGreaterThan(5);
  for (const [name, value] of expressions) expect(value).toMatch(known[name]![0]);
});

test('the code reads the settings, which are its defaults and the values of the hub', () => {
  const { APPLICATIONINSIGHTS_CONNECTION_STRING, APPLICATIONINSIGHTS_AUTHENTICATION_STRING } =
    settings('defaults');
  const { hostName } = { hostName: settings('defaults').SERVICEBUS_CONNECTION__fullyQualifiedNamespace };
  expect(readConfig(settings('defaults'))).toEqual({
    ...readConfig({
      APPLICATIONINSIGHTS_CONNECTION_STRING,
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING,
      BALENA_API_KEY: 'key',
      IOTHUB_HOST_NAME: 'iot-abc.azure-devices.net',
      SERVICEBUS_CONNECTION__fullyQualifiedNamespace: hostName,
      RECORDS_CONNECTION__accountName: settings('defaults').AzureWebJobsStorage__accountName,
    }),
    operationsPerMinute: 300,
    queriesPerMinute: 60,
  });
});

test('the values that an operator chooses arrive', () => {
  expect(readConfig(settings('full'))).toMatchObject({
    webhookSecrets: [known.WEBHOOK_SECRETS![1]],
    fleets: ['my_org/one', 'my_org/two'],
    defaultService: 'main',
    deviceProof: 'required',
    certificate: { key: 'rsa-2048', days: 90 },
    sweepSchedule: '0 */15 * * * *',
    maxAttempts: 5,
    ca: { keyId: known.CA_KEY_VAULT_KEY![1], certificates: { algorithm: { name: 'ES256' } } },
  });
  expect(Object.values(caOf(settings('defaults'))).filter(Boolean)).toEqual([]);
});

test('a sweep without fleets is off, because the functions do not start with such a schedule', () => {
  expect(settings('existingHub')).toMatchObject({ FLEETS: '', SWEEP_SCHEDULE: 'off', RENEW_SCHEDULE: 'off' });
});

test.each(examples)('%s: the platform refuses a body above 64 KiB', (example) => {
  expect(settings(example).FUNCTIONS_REQUEST_BODY_SIZE_LIMIT).toBe('65536');
});

test('webhooks are off by default, and need no secrets beside those in the vault', () => {
  expect('WEBHOOK_SECRETS' in settings('defaults')).toBe(false);
  expect('WEBHOOK_SECRETS' in settings('full')).toBe(true);
  expect('WEBHOOK_SECRETS' in settings('existingHub')).toBe(true);
});

test.each(examples)(
  '%s: secrets go into Key Vault and nowhere else, and no output is a secret',
  (example) => {
    const { resources, outputs } = deploymentOf(example);
    // The compiler never puts the value of a secure parameter into a snapshot.
    const holders = resources.filter((resource) => /parameters\('/.test(JSON.stringify(resource)));
    expect(
      holders.map(({ name, condition, properties }) => [name.split('/').at(-1), condition, properties]),
    ).toEqual([
      [
        'BALENA-API-KEY',
        "[not(empty(parameters('balenaApiKey')))]",
        { value: "[parameters('balenaApiKey')]" },
      ],
      [
        'WEBHOOK-SECRETS',
        "[not(empty(parameters('webhookSecrets')))]",
        { value: "[parameters('webhookSecrets')]" },
      ],
    ]);
    expect(JSON.stringify({ resources, outputs })).not.toMatch(/list(Keys|AccountSas|Secrets)|an example/i);
    expect(JSON.stringify(outputs)).not.toMatch(/secret|parameters\(/i);
  },
);

test.each(examples)('%s: keys and old TLS versions are refused', (example) => {
  const account = resourceOf(example, 'Microsoft.Storage/storageAccounts');
  expect(account.properties).toMatchObject({
    allowSharedKeyAccess: false,
    allowBlobPublicAccess: false,
    minimumTlsVersion: 'TLS1_2',
    supportsHttpsTrafficOnly: true,
  });
  const app = resourceOf(example, 'Microsoft.Web/sites');
  expect(app.properties).toMatchObject({ httpsOnly: true, siteConfig: { minTlsVersion: '1.2' } });
  const [vault] = resourcesOf(example, 'Microsoft.KeyVault/vaults');
  expect(valueAt(vault!, 'properties.enableRbacAuthorization')).toBe(true);
});
