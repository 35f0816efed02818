import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { ConfigError } from '../../src/config/config.js';
import { settingNames } from '../../src/config/settings.js';
import { factsOf, healthLines } from '../../src/health/health.js';
import { withErrorResponses } from '../../src/http/errors.js';
import type { App } from '../../src/openApp.js';
import { systemClock } from '../../src/shared/time.js';
import { startApp } from '../../src/startApp.js';
import { handClock } from '../support/handClock.js';
import { least } from './config/support/environment.js';

const reference = '@Microsoft.KeyVault(SecretUri=https://hunter2.vault.azure.net/secrets/S)';

/** Starts the app with these settings. `minute` lets a minute pass. */
async function started(env: Record<string, string>, open: () => App = () => ({}) as App) {
  const lines: string[] = [];
  const timers: (() => void)[] = [];
  const clock = handClock(0);
  const app = await startApp({
    env,
    args: [],
    clock,
    load: async () => open,
    log: (line) => lines.push(line),
    every: (_ms, run) => timers.push(run),
  });
  const minute = () => {
    clock.advance(60_000);
    for (const run of timers) run();
  };
  return { app, lines, minute };
}

/** Each setting with the text of an unresolved reference, and each required setting left out. */
const wrong: [string, Record<string, string>][] = [
  ...[...settingNames, 'OTEL_EXPORTER_OTLP_HEADERS'].map(
    (name) => [name, { ...least, [name]: reference }] as [string, Record<string, string>],
  ),
  ...Object.keys(least).map((name) => {
    const { [name as keyof typeof least]: _, ...others } = least;
    return [name, others] as [string, Record<string, string>];
  }),
];

const call = async (handle: ReturnType<typeof withErrorResponses>) => {
  const context = { error: () => {} } as unknown as InvocationContext;
  return (await handle({} as HttpRequest, context)) as HttpResponseInit & { body: string };
};

test.each(wrong)(
  'with a wrong %s every route answers 503, and health and log name the setting',
  async (name, env) => {
    const { app, lines, minute } = await started(env);
    const handle = async () => {
      await app.get();
      return {};
    };
    expect(() => app.check()).toThrow(ConfigError);
    for (const callers of ['with-key', 'anonymous'] as const) {
      const { status, headers, body } = await call(withErrorResponses(handle, callers));
      expect(status).toBe(503);
      expect(headers).toMatchObject({ 'retry-after': '60', 'content-type': 'application/problem+json' });
      expect(JSON.parse(body)).toMatchObject({ code: 'settings-wrong' });
      expect(body.includes(name)).toBe(callers === 'with-key');
    }
    const health = healthLines(await factsOf(() => app.get(), systemClock));
    expect(health.every((line) => line.name === 'configuration' && !line.ok)).toBe(true);
    expect(health.some(({ detail }) => detail.includes(name))).toBe(true);
    minute();
    minute();
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatch(name);
    expect([...lines, JSON.stringify(health)].join()).not.toMatch(/hunter2/);
  },
);

test('the functions are registered all the same; a queue that cannot be received from is left out', async () => {
  const balena = await started({ ...least, BALENA_API_KEY: reference, WEBHOOK_SECRETS: reference });
  expect(balena.app.registration).toEqual({
    queue: 'provisioning',
    hasWebhooks: true,
    sweepSchedule: null,
    renewSchedule: '0 0 3 * * *',
  });
  const schedule = await started({ ...least, SWEEP_SCHEDULE: 'daily', RENEW_SCHEDULE: 'off' });
  expect(schedule.app.registration).toMatchObject({ sweepSchedule: '0 0 3 * * *', renewSchedule: null });
  for (const name of ['SERVICEBUS_CONNECTION', 'PROVISIONING_QUEUE']) {
    const { app } = await started({ ...least, [name]: reference });
    expect(app.registration.queue).toBeNull();
  }
});

test('an app that cannot be opened is tried again, and its error is not shown', async () => {
  let fails = true;
  const { app, lines, minute } = await started(least, () => {
    if (fails) throw new TypeError('Invalid URL hunter2');
    return {} as App;
  });
  await expect(app.get()).rejects.toThrow(ConfigError);
  expect(lines.join()).toMatch(/cannot be opened with its settings \(TypeError\)/);
  expect(lines.join()).not.toMatch(/hunter2/);
  fails = false;
  await expect(app.get()).rejects.toThrow(ConfigError);
  minute();
  expect(lines).toHaveLength(2);
  expect(await app.get()).toEqual({});
  app.check();
  minute();
  expect(lines).toHaveLength(2);
});

test('the app is opened at the first call, and once', async () => {
  let opened = 0;
  const { app, minute } = await started(least, () => {
    opened += 1;
    return {} as App;
  });
  minute();
  expect(opened).toBe(0);
  const [first, second] = await Promise.all([app.get(), app.get()]);
  expect(first).toBe(second);
  expect(opened).toBe(1);
});
