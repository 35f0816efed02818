import type { z } from 'zod';
import { queueIn } from './connectionString.js';
import { settings } from './settings.js';

/**
 * App Service replaces a Key Vault reference by the secret. If the secret cannot be read, the setting keeps the text of the reference.
 * Most settings would accept the text as a value, and fail later at the other system.
 */
const isReference = (value: string) => /^@Microsoft\.KeyVault\(/i.test(value);
const notResolved =
  'is an unresolved Key Vault reference: check that the secret exists and that the identity of the functions may read it (role Key Vault Secrets User), refresh the references and restart (docs/runbook.md, "Secrets")';

/** Settings in a file or in a portal need no quotes. Some settings would accept the quotes as a part of the value. */
const isQuoted = (value: string) => /^(["'`]).*\1$/s.test(value);
const quoted =
  'must be set without the quotes around the value, such as CERT_DAYS=365 and not CERT_DAYS="365"';

/** A program that does not use balena needs no API key. */
const withoutBalena = settings.partial({ BALENA_API_KEY: true });

/** The parsed settings. */
export type Settings = z.output<typeof withoutBalena>;
/** The settings that are set, as texts. */
type Given = Record<string, string | undefined>;

/** The external systems, with the settings that no other part needs. */
const settingsOf = {
  balena: ['BALENA_API_KEY', 'BALENA_API_URL'],
  hub: ['IOTHUB_CONNECTION_STRING', 'CONNECTION_STRING', 'IOTHUB_HOST_NAME'],
  queue: ['SERVICEBUS_CONNECTION', 'SERVICEBUS_CONNECTION__fullyQualifiedNamespace'],
  records: [
    'RECORDS_CONNECTION',
    'RECORDS_CONNECTION__accountName',
    'AzureWebJobsStorage',
    'AzureWebJobsStorage__accountName',
  ],
} as const;

/** A system that the product connects to. */
export type ExternalSystem = keyof typeof settingsOf;
/** All external systems. */
export const externalSystems = Object.keys(settingsOf) as ExternalSystem[];

/** All missing and wrong settings, each with the expected form. */
export class ConfigError extends Error {
  /** @param problems one sentence for each setting, starting with the setting's name */
  constructor(readonly problems: string[]) {
    super(`These settings are missing or wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** The expected form of the connection to each system, for the error. */
const connectionForms = {
  hub: "the hub's connection string (policy with RegistryWrite), or its host name with managed identity, such as myhub.azure-devices.net",
  queue:
    "the namespace's connection string, or its host name with managed identity, such as myspace.servicebus.windows.net",
  records:
    "the storage account's connection string, or its name with managed identity, such as mystorage (default: the storage account of AzureWebJobsStorage)",
} as const;

/**
 * Checks and parses all settings.
 *
 * @param needed the settings of the other external systems are ignored
 * @throws ConfigError
 */
export function checkSettings(
  env: Record<string, string | undefined>,
  needed: readonly ExternalSystem[],
): Settings {
  const unneeded = externalSystems
    .filter((system) => !needed.includes(system))
    .flatMap<string>((system) => settingsOf[system]);
  const trimmed = Object.entries(env).map(([name, value]) => [name, value?.trim()] as const);
  const given: Given = Object.fromEntries(
    trimmed.filter(([name, value]) => value && !unneeded.includes(name)),
  );
  const parsed = (needed.includes('balena') ? settings : withoutBalena).safeParse(given);
  const problems = problemsOfText(given);
  // A quoted value or an unresolved reference fails other checks as well. One problem for each setting is enough.
  for (const { path, message } of parsed.error?.issues ?? [])
    if (!problems.has(String(path[0]))) problems.set(String(path[0]), message);
  for (const [name, message] of problemsBetween(given, needed))
    if (!problems.has(name)) problems.set(name, message);
  if (!parsed.success || problems.size > 0)
    throw new ConfigError([...problems].map(([name, message]) => `${name} ${message}`));
  return parsed.data;
}

/**
 * The problems that every text can have, by the name of the setting. A reference is found in every variable, because an SDK would use the
 * text, for example as a header. App Service also sets each setting as APPSETTING_….
 */
function problemsOfText(given: Given): Map<string, string> {
  const problems = new Map<string, string>();
  for (const [name, value = ''] of Object.entries(given)) {
    if (isReference(value) && !name.startsWith('APPSETTING_')) problems.set(name, notResolved);
    else if (isQuoted(value) && Object.hasOwn(settings.shape, name)) problems.set(name, quoted);
  }
  return problems;
}

/** The problems of settings that must fit together: name and message. */
function problemsBetween(given: Given, needed: readonly ExternalSystem[]): [string, string][] {
  const problems: [string, string][] = [];
  for (const system of ['hub', 'queue', 'records'] as const) {
    const names = settingsOf[system];
    if (needed.includes(system) && !names.some((name) => given[name] !== undefined))
      problems.push([names.join(' or '), `is required: ${connectionForms[system]}`]);
  }
  const { SERVICEBUS_CONNECTION: bus = '', PROVISIONING_QUEUE: queue = 'provisioning' } = given;
  if ((queueIn(bus) ?? queue) !== queue)
    problems.push([
      'SERVICEBUS_CONNECTION',
      'must be the connection string of the namespace or of the queue: the part EntityPath is not the name in PROVISIONING_QUEUE, such as EntityPath=provisioning',
    ]);
  if (given.SWEEP_SCHEDULE !== undefined && given.SWEEP_SCHEDULE !== 'off' && given.FLEETS === undefined)
    problems.push([
      'SWEEP_SCHEDULE',
      'needs FLEETS: the slugs of the fleets to sweep, such as my_org/my_fleet',
    ]);
  return [...problems, ...problemsOfCa(given)];
}

/** A CA has a certificate and a key in Key Vault; or both are in one file. */
function problemsOfCa({ CA_CERTIFICATE, CA_KEY_VAULT_KEY, CA_FILE }: Given): [string, string][] {
  if (CA_FILE !== undefined && (CA_CERTIFICATE ?? CA_KEY_VAULT_KEY) !== undefined)
    return [['CA_FILE', 'must not be set beside CA_CERTIFICATE and CA_KEY_VAULT_KEY: the CA has one key']];
  if (CA_CERTIFICATE !== undefined && CA_KEY_VAULT_KEY === undefined)
    return [['CA_KEY_VAULT_KEY', 'is required beside CA_CERTIFICATE: the URL of the key in Key Vault']];
  if (CA_KEY_VAULT_KEY !== undefined && CA_CERTIFICATE === undefined)
    return [['CA_CERTIFICATE', "is required beside CA_KEY_VAULT_KEY: the PEM of the CA's certificate"]];
  return [];
}
