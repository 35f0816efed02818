import type { z } from 'zod';
import { operationsPerMinute, queriesPerMinute } from '../iothub/quotas.js';
import { settings } from './settings.js';

const seconds = 1_000;

/**
 * App Service puts the secret in the place of a reference to Key Vault, or hands on the reference itself where it could not. Most
 * settings would take that text for a value, and be refused with it by someone else.
 */
const isReference = (value: string) => /^@Microsoft\.KeyVault\(/i.test(value);
const notResolved =
  'is a reference to Key Vault that was not resolved: is the secret there, and may the identity of the functions read it (role Key Vault Secrets User)? Then have the references read again, and restart (docs/runbook.md, "Secrets")';

const withoutBalena = settings.partial({ BALENA_API_KEY: true });

/** One of several settings, the first that is set; null if none is. */
function firstOf<A, B>(
  a: string | undefined,
  as: (value: string) => A,
  b: string | undefined,
  bs: (value: string) => B,
) {
  if (a !== undefined) return as(a);
  return b === undefined ? null : bs(b);
}

export type Config = ReturnType<typeof readConfig>;

/** Where traces, metrics and logs go: one of the two at least. */
export interface TelemetrySettings {
  serviceName: string;
  /** Of an OpenTelemetry collector, for HTTP, without a slash at its end. */
  otlpEndpoint: string | null;
  applicationInsights: {
    connectionString: string;
    /** With managed identity instead of the key alone; `clientId` null: the system's. */
    identity: { clientId: string | null } | null;
  } | null;
}

/** The sides that the product talks to, and the settings that only they need. */
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

export type ExternalSystem = keyof typeof settingsOf;
export const externalSystems = Object.keys(settingsOf) as ExternalSystem[];

/** The configuration of someone who talks to these sides only. */
export type ConfigFor<S extends ExternalSystem> = Omit<Config, Exclude<ExternalSystem, S>>;

/** Wrong settings, all of them, each with what is expected. */
export class ConfigError extends Error {
  /** @param problems each begins with the name of its setting */
  constructor(readonly problems: string[]) {
    super(`These settings are missing or wrong:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads and checks all settings; nothing else reads the environment. An empty setting counts as one that is not there, and
 * space around a value does not count.
 *
 * @throws ConfigError naming every setting that is missing or wrong, never quoting a value
 */
export function readConfig(env: Record<string, string | undefined> = process.env) {
  return read(env, externalSystems);
}

/**
 * As `readConfig`, for who does without some sides: their settings may be missing, or wrong.
 *
 * @throws ConfigError
 */
export function readConfigFor<S extends ExternalSystem>(
  needed: readonly S[],
  env: Record<string, string | undefined> = process.env,
): ConfigFor<S> {
  const config = read(env, needed);
  const others = externalSystems.filter((side) => !(needed as readonly ExternalSystem[]).includes(side));
  return Object.fromEntries(
    Object.entries(config).filter(([name]) => !others.includes(name as ExternalSystem)),
  ) as unknown as ConfigFor<S>;
}

function read(env: Record<string, string | undefined>, needed: readonly ExternalSystem[]) {
  const others = externalSystems
    .filter((side) => !needed.includes(side))
    .flatMap<string>((side) => settingsOf[side]);
  const trimmed = Object.entries(env).map(([name, value]) => [name, value?.trim()] as const);
  const given = Object.fromEntries(trimmed.filter(([name, value]) => value && !others.includes(name)));
  const parsed = (needed.includes('balena') ? settings : withoutBalena).safeParse(given);
  const unresolved = Object.keys(given).filter((name) => name in settings.shape && isReference(given[name]!));
  const problems = unresolved.map((name) => `${name} ${notResolved}`);
  // One sentence for each setting: what else is wrong with a reference is only that it is one.
  for (const { path, message } of parsed.error?.issues ?? [])
    if (!unresolved.includes(String(path[0]))) problems.push(`${path.join('.')} ${message}`);
  const one = (side: Exclude<ExternalSystem, 'balena'>, what: string) => {
    const names = settingsOf[side];
    if (needed.includes(side) && !names.some((name) => given[name] !== undefined))
      problems.push(`${names.join(' or ')} is required: ${what}`);
  };
  one(
    'hub',
    "the hub's connection string (policy with RegistryWrite), or its host name with managed identity, such as myhub.azure-devices.net",
  );
  one(
    'queue',
    "the namespace's connection string, or its host name with managed identity, such as myspace.servicebus.windows.net",
  );
  one(
    'records',
    "the storage account's connection string, or its name with managed identity, such as mystorage (without it, that of AzureWebJobsStorage is used)",
  );
  if (given.SWEEP_SCHEDULE !== undefined && given.SWEEP_SCHEDULE !== 'off' && given.FLEETS === undefined)
    problems.push('SWEEP_SCHEDULE needs FLEETS: the slugs of the fleets to sweep, such as my_org/my_fleet');
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems);
  const s = parsed.data;
  const connectionString = (value: string) => ({ connectionString: value });
  return {
    balena: { apiUrl: s.BALENA_API_URL, apiKey: s.BALENA_API_KEY! },
    hub: {
      connection: firstOf(
        s.IOTHUB_CONNECTION_STRING ?? (s.IOTHUB_HOST_NAME === undefined ? s.CONNECTION_STRING : undefined),
        connectionString,
        s.IOTHUB_HOST_NAME,
        (hostName) => ({ hostName }),
      )!,
    },
    /** The hub's limit of registry operations. */
    operationsPerMinute: operationsPerMinute(s.IOTHUB_TIER, s.IOTHUB_UNITS),
    /** The hub's limit of queries. */
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
    webhookSecrets: s.WEBHOOK_SECRETS ?? [],
    deviceProof: s.DEVICE_PROOF,
    certificate: { key: s.CERT_KEY, days: s.CERT_DAYS },
    renewAt: s.RENEW_AT,
    /** Null: never. */
    sweepSchedule: s.SWEEP_SCHEDULE === 'off' ? null : s.SWEEP_SCHEDULE,
    /** Null: never. */
    renewSchedule: s.RENEW_SCHEDULE === 'off' ? null : s.RENEW_SCHEDULE,
    maxAttempts: s.MAX_ATTEMPTS,
    longestBackOffMs: s.LONGEST_BACK_OFF_SECONDS * seconds,
    workLimitMs: s.WORK_LIMIT_SECONDS * seconds,
    leaseGraceMs: s.LEASE_GRACE_SECONDS * seconds,
    duplicateWindowMs: s.DUPLICATE_WINDOW_SECONDS * seconds,
    /** Null: off. */
    telemetry: telemetryOf(s),
  };
}

function telemetryOf(s: Omit<z.output<typeof settings>, 'BALENA_API_KEY'>): TelemetrySettings | null {
  const connectionString = s.APPLICATIONINSIGHTS_CONNECTION_STRING;
  const identity = s.APPLICATIONINSIGHTS_AUTHENTICATION_STRING;
  if (!s.OTEL_EXPORTER_OTLP_ENDPOINT && !connectionString) return null;
  return {
    // As the Functions host calls itself.
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
