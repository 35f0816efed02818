import { type ErrorCode, policyOf } from '../shared/errorPolicy.js';
import type { Dependency } from '../shared/errors.js';
import { type EpochMs, isoOrNull } from '../shared/time.js';
import { caIncidents } from './ca.js';
import type { HealthFacts } from './facts.js';
import type { Incident } from './statusSchema.js';
import { hubThrottling, presentMs } from './throttling.js';
import { silentTimers } from './timers.js';

/** What is known about the devices. */
export interface DeviceFacts {
  /** Devices whose request is not finished; null if nobody can count them. */
  waiting: number | null;
  /** When the last of these is due; 0 without such a device. */
  lastDue: EpochMs;
  /** Requests that failed for good, and that an operator can replay or discard. */
  failed: number;
  /** Devices whose last check failed. */
  checksFailed: number;
  /** Certificates in use; null if they were not counted. `late`: half of the time from the renewal to the expiry has passed. */
  certificates: { expired: number; late: number } | null;
}

const names: Record<Dependency, string> = { balena: 'balena', hub: 'IoT Hub' };

/** The incidents that stop all work. */
export function stops(facts: HealthFacts): Incident[] {
  const { wrongSettings, recordsError, queueError, worker } = facts;
  const stop = (kind: Incident['kind'], what: string, todo: string, runbook: string, since: EpochMs = 0) =>
    ({ kind, level: 'stopped', what, since: isoOrNull(since || null), todo, runbook }) satisfies Incident;
  const found: Incident[] = [];
  if (wrongSettings.length > 0)
    found.push(
      stop(
        'settings-wrong',
        `Settings are wrong or missing: ${wrongSettings.join('; ')}.`,
        'Correct the settings. The functions restart and continue.',
        'messages-waiting',
      ),
    );
  if (recordsError !== null)
    found.push(
      stop('records-unavailable', recordsError, adviceOf('records-unavailable'), 'requests-failing'),
    );
  if (queueError !== null)
    found.push(stop('queue-unavailable', queueError, adviceOf('queue-unavailable'), 'requests-failing'));
  if (worker.isDisabled)
    found.push(
      stop(
        'worker-off',
        'An operator has switched the worker off with the setting AzureWebJobs.worker.Disabled.',
        'Remove the setting. The work then continues automatically.',
        'to-pause-the-worker',
      ),
    );
  else if (worker.silentSince !== null)
    found.push(
      stop(
        'worker-silent',
        'Messages wait, and no worker takes them.',
        'Check that the function worker runs.',
        'messages-waiting',
        worker.silentSince,
      ),
    );
  return [...found, ...(['balena', 'hub'] as const).flatMap((name) => stoppedBy(name, facts))];
}

/** The incident of an open circuit: balena or the hub stops all work. */
function stoppedBy(name: Dependency, facts: HealthFacts): Incident[] {
  const circuit = facts.circuits[name];
  if (circuit?.state !== 'open') return [];
  const code = circuit.code ?? 'unexpected';
  const { fault, meaning, advice } = policyOf(code);
  // A hub that throttles lets requests wait, also until they time out. Such a hub is not down, and waiting alone does not help.
  if (name === 'hub' && code === 'timed-out' && hubThrottling(facts))
    return [
      {
        kind: 'hub-stopped',
        level: 'stopped',
        what: 'IoT Hub throttles: requests wait inside the hub until they time out.',
        since: isoOrNull(circuit.since),
        ...hubThrottles,
      },
    ];
  const isOurs = fault === 'key' || fault === 'quota';
  return [
    {
      kind: `${name}-stopped`,
      level: 'stopped',
      what: isOurs ? meaning : `${names[name]} does not answer, or answers with errors (${code}).`,
      since: isoOrNull(circuit.since),
      todo: isOurs ? advice : `Check the state of ${names[name]}. The work continues automatically.`,
      runbook: isOurs ? 'credentials-refused' : 'queue-age',
    },
  ];
}

const hubThrottles = {
  todo: 'Does IOTHUB_UNITS match the hub? Does another program use the hub?',
  runbook: 'the-hub-throttles',
};

/** The incidents that slow down the work. */
export function slowdowns(facts: HealthFacts): Incident[] {
  const { at, row } = facts;
  const found: Incident[] = [];
  const hub = hubThrottling(facts);
  if (hub) {
    const { passedPerMinute, refusedPerMinute, meanMs, since } = hub;
    const how =
      refusedPerMinute > 0
        ? `refuses ${refusedPerMinute} a minute`
        : `takes ${(meanMs / 1_000).toFixed(1)} s for each`;
    found.push({
      kind: 'hub-throttled',
      level: 'throttled',
      what: `IoT Hub throttles: it lets ${operations(passedPerMinute)} pass, and ${how}. The settings allow ${facts.operationsPerMinute} a minute.`,
      since: isoOrNull(since),
      ...hubThrottles,
    });
  }
  const throttled = (name: 'balena' | 'queue') => {
    const times = row?.throttled[name];
    return times && at - times.at <= presentMs ? times : null;
  };
  const balena = throttled('balena');
  if (balena)
    found.push({
      kind: 'balena-throttled',
      level: 'throttled',
      what: 'balena limits our requests, and all work waits as long as balena says.',
      since: isoOrNull(balena.since),
      todo: 'Wait. If this comes back often, lower BALENA_REQUESTS_PER_MINUTE.',
      runbook: 'a-big-fleet-boots-tomorrow',
    });
  const queue = throttled('queue');
  if (queue)
    found.push({
      kind: 'queue-throttled',
      level: 'throttled',
      what: 'Service Bus limits our requests (ServerBusy).',
      since: isoOrNull(queue.since),
      todo: adviceOf('queue-throttled').replace(/, see .*$/, ', take Premium.'),
      runbook: 'service-bus-says-busy',
    });
  return found;
}

/** The incidents that need an operator, and neither stop nor slow down the work. */
export function attentions(facts: HealthFacts, devices: DeviceFacts | null): Incident[] {
  const { at, timers } = facts;
  const need = (
    kind: Incident['kind'],
    what: string,
    todo: string,
    runbook: string,
    since: EpochMs | null = null,
  ) => ({ kind, level: 'attention', what, since: isoOrNull(since), todo, runbook }) satisfies Incident;
  const found: Incident[] = [];
  const silent = timers ? silentTimers(timers, at) : [];
  if (silent.length > 0)
    found.push(
      need(
        'timers-silent',
        `The host does not run ${silent.map(({ timer }) => timer).join(' and ')} any more.`,
        'Restart the functions. If that does not help, deploy again.',
        'timers-silent',
        Math.min(...silent.map(({ since }) => since)),
      ),
    );
  found.push(...caIncidents(facts));
  const { expired, late } = devices?.certificates ?? { expired: 0, late: 0 };
  const rotate = 'Find out why the renewals fail, or rotate the certificates.';
  const near = 'certificates-near-expiry';
  if (expired > 0)
    found.push(need('certificates-expired', `${certificates(expired)} expired.`, rotate, near));
  if (late > 0)
    found.push(need('certificates-late', `${certificates(late)} not been renewed in time.`, rotate, near));
  const { failed, checksFailed } = devices ?? { failed: 0, checksFailed: 0 };
  if (failed > 0)
    found.push(
      need(
        'requests-failed',
        `${failed} ${failed === 1 ? 'request has' : 'requests have'} failed for good.`,
        'Look at the causes (on the page, or with `provisioner dead-letters list`), correct them, then replay or discard the requests.',
        'work-failing',
      ),
    );
  if (checksFailed > 0)
    found.push(
      need(
        'checks-failed',
        `The last check of ${checksFailed} ${checksFailed === 1 ? 'device' : 'devices'} failed.`,
        '`provisioner list --last-check failed` lists the devices and the causes.',
        'devices-whose-last-check-failed',
      ),
    );
  return found;
}

const operations = (perMinute: number | null) => {
  if (perMinute === null) return 'few operations';
  return perMinute === 1 ? '1 operation a minute' : `${perMinute || 'fewer than 1'} operations a minute`;
};
const certificates = (count: number) => (count === 1 ? '1 certificate has' : `${count} certificates have`);
const adviceOf = (code: ErrorCode) => policyOf(code).advice;
