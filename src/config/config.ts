import type { z } from 'zod';
import { hubHostOf } from '../iothub/hubHost.js';
import { operationsPerMinute, queriesPerMinute } from '../iothub/quotas.js';
import { settings } from './settings.js';

const seconds = 1_000;

/**
 * App Service replaces a Key Vault reference by the secret. If the secret cannot be read, the setting keeps the text of the reference.
 * Most settings would accept the text as a value, and fail later at the other system.
 */
const isReference = (value: string) => /^@Microsoft\.KeyVault\(/i.test(value);
const notResolved =
  'is an unresolved Key Vault reference: check that the secret exists and that the identity of the functions may read it (role Key Vault Secrets User), refresh the references and restart (docs/runbook.md, "Secrets")';

/** A program that does not use balena needs no API key. */
const withoutBalena = settings.partial({ BALENA_API_KEY: true });

type Settings = z.output<typeof withoutBalena>;

/** The mapped value of the first of two settings that is set; null if neither is set. */
function firstOf<A, B>(
  first: string | undefined,
  mapFirst: (value: string) => A,
  second: string | undefined,
  mapSecond: (value: string) => B,
) {
  if (first !== undefined) return mapFirst(first);
  return second === undefined ? null : mapSecond(second);
}

/** The checked configuration. */
export type Config = ReturnType<typeof readConfig>;

/** The destinations of traces, metrics and logs. At least one destination is set. */
export interface TelemetrySettings {
  serviceName: string;
  /** The URL of an OpenTelemetry collector for HTTP, without a slash at the end. */
  otlpEndpoint: string | null;
  applicationInsights: {
    connectionString: string;
    /** Null without managed identity. `clientId` is null for the system-assigned identity. */
    identity: { clientId: string | null } | null;
  } | null;
}

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

/** The configuration of a program that uses only these external systems. */
export type ConfigFor<S extends ExternalSystem> = Omit<Config, Exclude<ExternalSystem, S>>;

/** All missing and wrong settings, each with the expected form. */
export class ConfigError extends Error {
  /** @param problems one sentence for each setting, starting with the setting's name */
  constructor(readonly problems: string[]) {
    super(`These settings are missing or wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads and checks all settings. No other code reads the environment. An empty setting counts as missing, and space around a value is
 * removed.
 *
 * @throws ConfigError with the name of every missing or wrong setting, without any value
 */
export function readConfig(env: Record<string, string | undefined> = process.env) {
  return read(env, externalSystems);
}

/**
 * Reads the settings of a program that uses only some external systems. The settings of the other systems may be missing or wrong.
 *
 * @throws ConfigError
 */
export function readConfigFor<S extends ExternalSystem>(
  needed: readonly S[],
  env: Record<string, string | undefined> = process.env,
): ConfigFor<S> {
  const config = read(env, needed);
  const others = externalSystems.filter((system) => !(needed as readonly ExternalSystem[]).includes(system));
  return Object.fromEntries(
    Object.entries(config).filter(([name]) => !others.includes(name as ExternalSystem)),
  ) as unknown as ConfigFor<S>;
}

/** The expected form of the connection to each system, for the error. */
const connectionForms = {
  hub: "the hub's connection string (policy with RegistryWrite), or its host name with managed identity, such as myhub.azure-devices.net",
  queue:
    "the namespace's connection string, or its host name with managed identity, such as myspace.servicebus.windows.net",
  records:
    "the storage account's connection string, or its name with managed identity, such as mystorage (default: the storage account of AzureWebJobsStorage)",
} as const;

function read(env: Record<string, string | undefined>, needed: readonly ExternalSystem[]) {
  return configOf(checked(env, needed));
}

/** Checks the settings. @throws ConfigError */
function checked(env: Record<string, string | undefined>, needed: readonly ExternalSystem[]): Settings {
  const unneeded = externalSystems
    .filter((system) => !needed.includes(system))
    .flatMap<string>((system) => settingsOf[system]);
  const trimmed = Object.entries(env).map(([name, value]) => [name, value?.trim()] as const);
  const given = Object.fromEntries(trimmed.filter(([name, value]) => value && !unneeded.includes(name)));
  const parsed = (needed.includes('balena') ? settings : withoutBalena).safeParse(given);
  const unresolved = Object.keys(given).filter((name) => name in settings.shape && isReference(given[name]!));
  const problems = unresolved.map((name) => `${name} ${notResolved}`);
  // An unresolved reference fails other checks as well. One problem for each setting is enough.
  for (const { path, message } of parsed.error?.issues ?? [])
    if (!unresolved.includes(String(path[0]))) problems.push(`${path.join('.')} ${message}`);
  for (const system of ['hub', 'queue', 'records'] as const) {
    const names = settingsOf[system];
    if (needed.includes(system) && !names.some((name) => given[name] !== undefined))
      problems.push(`${names.join(' or ')} is required: ${connectionForms[system]}`);
  }
  if (given.SWEEP_SCHEDULE !== undefined && given.SWEEP_SCHEDULE !== 'off' && given.FLEETS === undefined)
    problems.push('SWEEP_SCHEDULE needs FLEETS: the slugs of the fleets to sweep, such as my_org/my_fleet');
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  return parsed.data;
}

/** Makes the configuration from checked settings. */
function configOf(s: Settings) {
  const connectionString = (value: string) => ({ connectionString: value });
  const hubConnection = firstOf(
    s.IOTHUB_CONNECTION_STRING ?? (s.IOTHUB_HOST_NAME === undefined ? s.CONNECTION_STRING : undefined),
    connectionString,
    s.IOTHUB_HOST_NAME,
    (hostName) => ({ hostName }),
  );
  return {
    balena: { apiUrl: s.BALENA_API_URL, apiKey: s.BALENA_API_KEY! },
    hub: { connection: hubConnection! },
    /** The host name of the hub; null for a program without the hub. */
    hubHost: hubConnection && hubHostOf(hubConnection),
    /** The hub's limit of registry operations a minute. */
    operationsPerMinute: operationsPerMinute(s.IOTHUB_TIER, s.IOTHUB_UNITS),
    /** The hub's limit of queries a minute. */
    queriesPerMinute: queriesPerMinute(s.IOTHUB_TIER, s.IOTHUB_UNITS),
    queue: {
      connection: firstOf(
        s.SERVICEBUS_CONNECTION,
        connectionString,
        s.SERVICEBUS_CONNECTION__fullyQualifiedNamespace,
        (fullyQualifiedNamespace) => ({ fullyQualifiedNamespace }),
      )!,
      queue: s.PROVISIONING_QUEUE,
    },
    records: {
      connection: (firstOf(
        s.RECORDS_CONNECTION,
        connectionString,
        s.RECORDS_CONNECTION__accountName,
        (accountName) => ({
          accountName,
        }),
      ) ??
        firstOf(
          s.AzureWebJobsStorage,
          connectionString,
          s.AzureWebJobsStorage__accountName,
          (accountName) => ({
            accountName,
          }),
        ))!,
    },
    fleets: s.FLEETS && s.FLEETS.length > 0 ? s.FLEETS : null,
    defaultService: s.DEFAULT_SERVICE,
    /** What becomes of the hub identity of a device that has left the served fleets. */
    unservedIdentity: s.UNSERVED_IDENTITY,
    webhookSecrets: s.WEBHOOK_SECRETS ?? [],
    deviceProof: s.DEVICE_PROOF,
    certificate: { key: s.CERT_KEY, days: s.CERT_DAYS },
    renewAt: s.RENEW_AT,
    /** Null if the timer is off. */
    sweepSchedule: s.SWEEP_SCHEDULE === 'off' ? null : s.SWEEP_SCHEDULE,
    /** Null if the timer is off. */
    renewSchedule: s.RENEW_SCHEDULE === 'off' ? null : s.RENEW_SCHEDULE,
    maxAttempts: s.MAX_ATTEMPTS,
    longestBackOffMs: s.LONGEST_BACK_OFF_SECONDS * seconds,
    workLimitMs: s.WORK_LIMIT_SECONDS * seconds,
    leaseGraceMs: s.LEASE_GRACE_SECONDS * seconds,
    duplicateWindowMs: s.DUPLICATE_WINDOW_SECONDS * seconds,
    /** Null without telemetry. */
    telemetry: telemetryOf(s),
  };
}

function telemetryOf(s: Settings): TelemetrySettings | null {
  const connectionString = s.APPLICATIONINSIGHTS_CONNECTION_STRING;
  const identity = s.APPLICATIONINSIGHTS_AUTHENTICATION_STRING;
  if (!s.OTEL_EXPORTER_OTLP_ENDPOINT && !connectionString) return null;
  return {
    // The Functions host uses the same name.
    serviceName: s.OTEL_SERVICE_NAME ?? s.WEBSITE_SITE_NAME ?? 'balena-azure-iot-provisioner',
    otlpEndpoint: s.OTEL_EXPORTER_OTLP_ENDPOINT ?? null,
    applicationInsights:
      connectionString === undefined
        ? null
        : {
            connectionString,
            identity:
              identity === undefined ? null : { clientId: /ClientId=([^;]+)/.exec(identity)?.[1] ?? null },
          },
  };
}
