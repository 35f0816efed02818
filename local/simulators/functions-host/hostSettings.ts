import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { HttpLimits } from './http/requestQueue.js';

/** The settings from host.json that this host obeys. The defaults are the defaults of the real host. */
export interface HostSettings {
  /** Comes before every route, without slashes: `api`. May be empty. */
  routePrefix: string;
  /** True if `telemetryMode` is `OpenTelemetry`. */
  isTracing: boolean;
  /** `functionTimeout`; null: no limit. */
  functionTimeoutMs: number | null;
  http: HttpLimits;
  serviceBus: { maxConcurrentCalls: number; maxAutoLockRenewalMs: number };
}

const timeSpan = z
  .string()
  .regex(/^(\d+\.)?\d{1,2}:\d{2}:\d{2}$/, 'must be a time span such as "00:05:00"')
  .transform(toMs);

/** -1: no limit. The real host sets limits of its own on Windows only, and not on Flex Consumption (`HttpOptionsSetup`). */
const httpLimit = z.coerce
  .number()
  .int()
  .refine((limit) => limit === -1 || limit >= 1, 'must be -1, or 1 at least')
  .default(-1)
  .transform((limit) => (limit === -1 ? Number.POSITIVE_INFINITY : limit));

const shape = z.object({
  version: z.literal('2.0', 'must be "2.0"'),
  // .NET ignores case when it reads an enum.
  telemetryMode: z
    .string()
    .regex(/^(ApplicationInsights|OpenTelemetry)$/i, 'must be ApplicationInsights or OpenTelemetry')
    .default('ApplicationInsights'),
  // The default of the Flex Consumption plan.
  functionTimeout: z.union([z.literal('-1').transform(() => null), timeSpan]).default(30 * 60_000),
  extensions: z
    .object({
      http: z
        .object({
          routePrefix: z.string().default('api'),
          maxConcurrentRequests: httpLimit,
          maxOutstandingRequests: httpLimit,
          // The counters of the real host are those of its sandbox.
          dynamicThrottlesEnabled: z
            .literal(false, 'must be false: the local host has no such counters')
            .default(false),
        })
        .prefault({}),
      serviceBus: z
        .object({
          // As in the real host, the value has no effect on Node functions: only the trigger's own option counts.
          autoCompleteMessages: z.boolean().default(true),
          maxConcurrentCalls: z.coerce
            .number()
            .int()
            .min(1)
            .default(16 * availableParallelism()),
          // The JavaScript SDK has no prefetch. The locks of prefetched messages age in Azure, but not here. The host
          // therefore rejects the setting instead of ignoring the setting.
          prefetchCount: z.coerce.number().max(0, 'must be 0: the local host does not prefetch').default(0),
          maxAutoLockRenewalDuration: timeSpan.default(5 * 60_000),
        })
        .prefault({}),
    })
    .prefault({}),
});

/**
 * Reads the app's host.json. A setting `AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls` replaces that
 * value of the file, as on Azure.
 *
 * @throws Error naming the file and all invalid values
 */
export async function readHostJson(
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<HostSettings> {
  const file = join(folder, 'host.json');
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`);
  }
  override(json, env);
  const result = shape.safeParse(json);
  if (!result.success) {
    const wrong = result.error.issues.map(({ path, message }) => `${path.join('.') || 'it'} ${message}`);
    throw new Error(`${file}: ${wrong.join('; ')}`);
  }
  const { http, serviceBus } = result.data.extensions;
  const { maxConcurrentCalls, maxAutoLockRenewalDuration } = serviceBus;
  const { routePrefix, maxConcurrentRequests, maxOutstandingRequests } = http;
  return {
    isTracing: result.data.telemetryMode.toLowerCase() === 'opentelemetry',
    routePrefix: routePrefix.replace(/^\/+|\/+$/g, ''),
    functionTimeoutMs: result.data.functionTimeout,
    http: { maxConcurrentRequests, maxOutstandingRequests },
    serviceBus: {
      maxConcurrentCalls,
      maxAutoLockRenewalMs: maxAutoLockRenewalDuration,
    },
  };
}

const prefix = 'AzureFunctionsJobHost__';

function override(json: Record<string, unknown>, env: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(prefix)) continue;
    const path = name.slice(prefix.length).split('__');
    const last = path.pop() ?? '';
    let at = json;
    for (const key of path) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    at[last] = value === 'true' || value === 'false' ? value === 'true' : value;
  }
}

/** Converts .NET's `[d.]hh:mm:ss` to milliseconds. */
function toMs(span: string): number {
  const [, days = '0', hours, minutes, seconds] = /^(?:(\d+)\.)?(\d+):(\d+):(\d+)$/.exec(span) ?? [];
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/**
 * Replaces `%NAME%` by the setting `NAME`, as in `queueName: '%PROVISIONING_QUEUE%'`.
 *
 * @throws Error naming a missing setting
 */
export function resolveSettings(text: string, env: NodeJS.ProcessEnv = process.env): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = env[name];
    if (!value) throw new Error(`'%${name}%' does not resolve to a value: set ${name}`);
    return value;
  });
}
