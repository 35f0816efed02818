import { type Config, ConfigError, environment, readConfig } from './config/config.js';
import { readQueueConfig } from './config/queueConfig.js';
import type { App, openApp } from './openApp.js';
import { waitsOfWorkers } from './queue/patience.js';
import { patientQueue } from './queue/patientQueue.js';
import type { Queue } from './queue/queue.js';
import { openSettlement, type Settlement, settlementEndpoint } from './queue/settlement.js';
import { sanitizeError } from './shared/sanitizeError.js';
import { type Clock, systemClock } from './shared/time.js';
import type { Telemetry } from './telemetry/sdk.js';
import { startTelemetry, telemetryOff } from './telemetry/start.js';

/** What the functions need for their registration. Every function is registered, also while settings are wrong. */
export interface Registration {
  /** The name of the queue; null if the settings of the queue are wrong, so that nothing can be received. */
  queue: string | null;
  hasWebhooks: boolean;
  /** Null if the timer is off. */
  sweepSchedule: string | null;
  /** Null if the timer is off. */
  renewSchedule: string | null;
}

/** The app of this process. The app may lack right settings: the functions run all the same, and say so. */
export interface StartedApp {
  registration: Registration;
  /** @throws ConfigError with all faults, while settings are missing or wrong */
  check(): void;
  /**
   * Loads and opens the app at the first call: an instance loads the clients of other systems only when it works.
   *
   * @throws ConfigError with all faults, while settings are missing or wrong
   */
  get(): Promise<App>;
  /** The app, if a call of `get` has opened it. */
  opened(): App | null;
  /** The queue for putting messages off, while settings are wrong. */
  queue(): Promise<Queue>;
  settlement(): Settlement;
  close(): Promise<void>;
}

/** The parts that tests replace. */
export interface StartOptions {
  env: Readonly<Record<string, string | undefined>>;
  /** The worker's command line, with the host's endpoint for settlements. */
  args: readonly string[];
  clock: Clock;
  log: (line: string) => void;
  load: () => Promise<typeof openApp>;
  /** Runs a function again and again, every `ms`. */
  every: (ms: number, run: () => void) => void;
}

const logEveryMs = 60_000;
const openAgainAfterMs = 10_000;
/** The schedule of a timer whose own schedule cannot be read. The timer does nothing while settings are wrong. */
const anySchedule = '0 0 3 * * *';

/**
 * Starts the app. Wrong settings do not stop the start: a Functions host would then answer every request with a bare 404, which a caller
 * may take for final, and would try nothing again. The log names the faults every minute.
 */
export async function startApp(options: Partial<StartOptions> = {}): Promise<StartedApp> {
  const { env = environment, args = process.argv, clock = systemClock } = options;
  const { load = async () => (await import('./openApp.js')).openApp } = options;
  const { every = (ms, run) => void setInterval(run, ms).unref() } = options;
  const config = readOrFaults(env);
  const queueConfig = readQueueConfig(env);
  const { telemetry, log } = await telemetryOf(config, options.log);
  if (!(config instanceof ConfigError) && config.guessedQuota) log(config.guessedQuota);
  let app: App | null = null;
  let faults = config instanceof ConfigError ? config : null;
  let openedAt = Number.NEGATIVE_INFINITY;
  let queue: Promise<Queue> | undefined;
  let settlement: Settlement | undefined;

  async function get(): Promise<App> {
    if (app) return app;
    if (config instanceof ConfigError) throw config;
    const open = await load();
    // Concurrent calls have waited for the same module. The first of them opens the app.
    if (app) return app;
    if (clock.now() - openedAt < openAgainAfterMs) throw faults;
    openedAt = clock.now();
    const isFirst = faults === null;
    try {
      app = open(config, args, log);
      faults = null;
      return app;
    } catch (error) {
      faults = new ConfigError([
        `The app cannot be opened with its settings (${sanitizeError(error)?.name}).`,
      ]);
      if (isFirst) report();
      throw faults;
    }
  }
  function report(): void {
    if (faults) log(`Nothing works until the settings are right. ${faults.message}`);
  }
  report();
  every(logEveryMs, report);

  return {
    registration: registrationOf(config, env, queueConfig?.queue ?? null),
    check() {
      if (faults) throw faults;
    },
    get,
    opened: () => app,
    async queue() {
      if (!queueConfig) throw faults;
      queue ??= import('./queue/queue.js').then(({ openQueue }) =>
        patientQueue(openQueue(queueConfig), { clock, random: Math.random, waits: waitsOfWorkers }),
      );
      return queue;
    },
    settlement() {
      if (app) return app.settlement();
      if (!queueConfig) throw faults;
      settlement ??= openSettlement(settlementEndpoint(args), queueConfig);
      return settlement;
    },
    async close() {
      // All close at the same time: the host gives 5 s in total, and each may take 3 s.
      await Promise.allSettled([
        app?.close(),
        queue?.then((opened) => opened.close()),
        settlement?.close(),
        telemetry.close(),
      ]);
    },
  };
}

function readOrFaults(env: StartOptions['env']): Config | ConfigError {
  try {
    return readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** Starts telemetry. Telemetry that cannot start is lost, and stops nothing. */
async function telemetryOf(
  config: Config | ConfigError,
  log?: (line: string) => void,
): Promise<{ telemetry: Telemetry; log: (line: string) => void }> {
  let telemetry = telemetryOff;
  try {
    if (!(config instanceof ConfigError)) telemetry = await startTelemetry(config);
  } catch (error) {
    console.warn(`Telemetry cannot start and is lost (${sanitizeError(error)?.name})`);
  }
  return { telemetry, log: log ?? ((line) => telemetry.log(line)) };
}

function registrationOf(
  config: Config | ConfigError,
  env: StartOptions['env'],
  queue: string | null,
): Registration {
  if (!(config instanceof ConfigError)) {
    const { webhookSecrets, sweepSchedule, renewSchedule, fleets } = config;
    return {
      queue,
      hasWebhooks: webhookSecrets.length > 0,
      sweepSchedule: fleets === null ? null : sweepSchedule,
      renewSchedule,
    };
  }
  const given = (name: string) => env[name]?.trim() || undefined;
  const schedule = (name: string, fallback: string) =>
    (given(name) ?? fallback) === 'off' ? null : anySchedule;
  return {
    queue,
    hasWebhooks: given('WEBHOOK_SECRETS') !== undefined,
    sweepSchedule: schedule('SWEEP_SCHEDULE', 'off'),
    renewSchedule: schedule('RENEW_SCHEDULE', anySchedule),
  };
}
