import { hubHostOf } from '../iothub/hubHost.js';
import { quotaOf } from '../iothub/quotas.js';
import { checkSettings, type ExternalSystem, externalSystems, type Settings } from './check.js';

export { ConfigError, type ExternalSystem, externalSystems } from './check.js';

const seconds = 1_000;
const days = 86_400_000;

/**
 * The default limit of requests to balena a minute. balena publishes no limit, and asks callers to wait when it wants them to. A device costs
 * four requests at most, so ten for each registry operation leave room for mistakes, checks and listings. The least is 50 a second.
 */
export function balenaRequestsPerMinute(operations: number): number {
  return Math.max(3_000, 10 * operations);
}

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

/** The configuration of a program that uses only these external systems. */
export type ConfigFor<S extends ExternalSystem> = Omit<Config, Exclude<ExternalSystem, S>>;

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

function read(env: Record<string, string | undefined>, needed: readonly ExternalSystem[]) {
  return { ...configOf(checkSettings(env, needed)), isWorkerDisabled: isWorkerDisabled(env) };
}

/** The environment of the process. */
export const environment: Readonly<Record<string, string | undefined>> = process.env;

/** Makes the configuration from checked settings. */
function configOf(s: Settings) {
  const connectionString = (value: string) => ({ connectionString: value });
  const hubConnection = firstOf(
    s.IOTHUB_CONNECTION_STRING ?? (s.IOTHUB_HOST_NAME === undefined ? s.CONNECTION_STRING : undefined),
    connectionString,
    s.IOTHUB_HOST_NAME,
    (hostName) => ({ hostName }),
  );
  const quota = quotaOf(s.IOTHUB_TIER, s.IOTHUB_UNITS, s.IOTHUB_OPERATIONS_PER_MINUTE || null);
  return {
    balena: { apiUrl: s.BALENA_API_URL, apiKey: s.BALENA_API_KEY! },
    /** Our own limit of requests to balena a minute, for all instances together. */
    balenaRequestsPerMinute:
      s.BALENA_REQUESTS_PER_MINUTE ?? balenaRequestsPerMinute(quota.operationsPerMinute),
    hub: { connection: hubConnection! },
    /** The host name of the hub; null for a program without the hub. */
    hubHost: hubConnection && hubHostOf(hubConnection),
    ...quota,
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
    /** The CA for the certificate requests of devices; null without one. */
    ca: firstOf(
      s.CA_FILE,
      (file) => ({ file }),
      s.CA_KEY_VAULT_KEY,
      (keyId) => ({ keyId, certificates: s.CA_CERTIFICATE! }),
    ),
    renewAt: s.RENEW_AT,
    /** The time for which an issued certificate stays valid after the hub has accepted an own one. */
    keepIssuedMs: s.KEEP_ISSUED_DAYS * days,
    /** The time after which the record of a deprovisioned device is removed; null: never. */
    keepDeprovisionedMs: s.KEEP_DEPROVISIONED_DAYS === 0 ? null : s.KEEP_DEPROVISIONED_DAYS * days,
    /** Null if the timer is off. */
    sweepSchedule: s.SWEEP_SCHEDULE === 'off' ? null : s.SWEEP_SCHEDULE,
    /** Null if the timer is off. */
    renewSchedule: s.RENEW_SCHEDULE === 'off' ? null : s.RENEW_SCHEDULE,
    maxAttempts: s.MAX_ATTEMPTS,
    longestBackOffMs: s.LONGEST_BACK_OFF_SECONDS * seconds,
    workLimitMs: s.WORK_LIMIT_SECONDS * seconds,
    leaseGraceMs: s.LEASE_GRACE_SECONDS * seconds,
    duplicateWindowMs: s.DUPLICATE_WINDOW_SECONDS * seconds,
    /** The links of the operators' page. A null link is not shown. */
    links: {
      balena: s.DEVICE_LINK_BALENA ?? null,
      azure: s.DEVICE_LINK_AZURE ?? null,
      runbook: s.RUNBOOK_LINK ?? null,
    },
    /** Sign-in with Microsoft; null if it is off. */
    signIn:
      s.OPS_SIGN_IN === 'off'
        ? null
        : { tenant: s.OPS_SIGN_IN, isPlatformOn: /^true$/i.test(s.WEBSITE_AUTH_ENABLED ?? '') },
    /** Null without telemetry. */
    telemetry: telemetryOf(s),
  };
}

/** Whether a setting switches the function `worker` off. On Linux, the name may have underscores; the host ignores the case. */
function isWorkerDisabled(env: Record<string, string | undefined>): boolean {
  return Object.entries(env).some(
    ([name, value]) => /^AzureWebJobs[._]worker[._]Disabled$/i.test(name) && /^(true|1)$/i.test(value ?? ''),
  );
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
