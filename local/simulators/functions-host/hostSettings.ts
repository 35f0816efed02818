import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';

/** The part of host.json that is obeyed here, with the defaults of the real host. */
export interface HostSettings {
  /** Before every route, without slashes: `api`. May be empty. */
  routePrefix: string;
  /** `telemetryMode` is `OpenTelemetry`. */
  isTracing: boolean;
  serviceBus: { autoCompleteMessages: boolean; maxConcurrentCalls: number; maxAutoLockRenewalMs: number };
}

const timeSpan = z
  .string()
  .regex(/^(\d+\.)?\d{1,2}:\d{2}:\d{2}$/, 'must be a time span such as "00:05:00"')
  .transform(toMs);

const shape = z.object({
  version: z.literal('2.0', 'must be "2.0"'),
  // .NET reads an enum in any case.
  telemetryMode: z
    .string()
    .regex(/^(ApplicationInsights|OpenTelemetry)$/i, 'must be ApplicationInsights or OpenTelemetry')
    .default('ApplicationInsights'),
  extensions: z
    .object({
      http: z.object({ routePrefix: z.string().default('api') }).prefault({}),
      serviceBus: z
        .object({
          autoCompleteMessages: z.boolean().default(true),
          maxConcurrentCalls: z.coerce
            .number()
            .int()
            .min(1)
            .default(16 * availableParallelism()),
          // The JavaScript SDK has no prefetch. Refused rather than ignored: prefetched locks age, and that would not show here.
          prefetchCount: z.coerce.number().max(0, 'must be 0: prefetching is not done here').default(0),
          maxAutoLockRenewalDuration: timeSpan.default(5 * 60_000),
        })
        .prefault({}),
    })
    .prefault({}),
});

/**
 * Reads the app's host.json. A setting `AzureFunctionsJobHost__extensions__serviceBus__maxConcurrentCalls` replaces that value
 * of the file, as in Azure.
 *
 * @throws Error naming the file and everything that is wrong with it
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
  const { autoCompleteMessages, maxConcurrentCalls, maxAutoLockRenewalDuration } = serviceBus;
  return {
    isTracing: result.data.telemetryMode.toLowerCase() === 'opentelemetry',
    routePrefix: http.routePrefix.replace(/^\/+|\/+$/g, ''),
    serviceBus: {
      autoCompleteMessages,
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

/** .NET's `[d.]hh:mm:ss`. */
function toMs(span: string): number {
  const [, days = '0', hours, minutes, seconds] = /^(?:(\d+)\.)?(\d+):(\d+):(\d+)$/.exec(span) ?? [];
  return (((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
}

/**
 * Puts settings in place of `%NAME%`, as in `queueName: '%PROVISIONING_QUEUE%'`.
 *
 * @throws Error naming a setting that is not there
 */
export function resolveSettings(text: string, env: NodeJS.ProcessEnv = process.env): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = env[name];
    if (!value) throw new Error(`'%${name}%' does not resolve to a value: set ${name}`);
    return value;
  });
}
