import { ConfigError } from '../config/config.js';
import type { Dependency } from '../shared/errors.js';
import type { Clock } from '../shared/time.js';
import { factsOfWrongSettings, type HealthDependencies, type HealthFacts, readHealthFacts } from './facts.js';
import { hubThrottling, presentMs } from './throttling.js';
import { timersLine } from './timers.js';
import { workerLine } from './worker.js';

/** The health of one dependency. */
export interface HealthLine {
  name: 'configuration' | 'queue' | 'records' | 'worker' | 'timers' | Dependency;
  ok: boolean;
  detail: string;
}

/** The health of all parts of the system, one line each. */
export function healthLines(facts: HealthFacts): HealthLine[] {
  const { at, wrongSettings, recordsError } = facts;
  if (wrongSettings.length > 0)
    return wrongSettings.map((detail) => ({ name: 'configuration', ok: false, detail }));
  return [
    { name: 'configuration', ok: true, detail: 'complete' },
    queueLine(facts),
    { name: 'records', ok: recordsError === null, detail: recordsError ?? 'answers' },
    workerLine(facts.worker, at),
    timersLine(facts.timers, at),
    seenLine('balena', facts),
    seenLine('hub', facts),
  ];
}

/**
 * Reads the facts of an app that may lack right settings: each missing or wrong setting is a fact then.
 *
 * @param open returns the dependencies, or fails with a ConfigError
 */
export async function factsOf(open: () => Promise<HealthDependencies>, clock: Clock): Promise<HealthFacts> {
  let deps: HealthDependencies;
  try {
    deps = await open();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return factsOfWrongSettings(error.problems, clock.now());
  }
  return readHealthFacts(deps);
}

const throttledLatelyMs = 10 * 60_000;

/** The line of the queue, with the last time at which a worker or an HTTP function found the credits used up. */
function queueLine({ at, row, queueError }: HealthFacts): HealthLine {
  if (queueError !== null) return { name: 'queue', ok: false, detail: queueError };
  const agoMs = at - (row?.throttled.queue?.at ?? 0);
  if (agoMs > throttledLatelyMs) return { name: 'queue', ok: true, detail: 'answers' };
  const detail =
    `answers; Service Bus limited our requests ${Math.round(agoMs / 1_000)} s ago (ServerBusy): ` +
    'see "Service Bus says busy" in docs/runbook.md';
  return { name: 'queue', ok: agoMs > presentMs, detail };
}

function seenLine(name: Dependency, facts: HealthFacts): HealthLine {
  const { at, row, circuits } = facts;
  const circuit = circuits[name];
  if (!circuit) return { name, ok: false, detail: 'unknown: the records cannot be reached' };
  if (circuit.state === 'open') {
    const since = new Date(circuit.since).toISOString();
    return {
      name,
      ok: false,
      detail: `${circuit.code} since ${since}; all work waits, and one worker at a time tries again`,
    };
  }
  const limit = name === 'hub' ? hubLimit(facts) : balenaLimit(facts);
  if (limit !== null) return { name, ok: false, detail: limit };
  const answeredAt = row?.[name].answeredAt;
  if (!answeredAt) return { name, ok: true, detail: `no worker has called ${name} yet` };
  return { name, ok: true, detail: `answered a worker ${Math.round((at - answeredAt) / 1_000)} s ago` };
}

function hubLimit(facts: HealthFacts): string | null {
  const throttling = hubThrottling(facts);
  if (!throttling) return null;
  const { passedPerMinute, refusedPerMinute, meanMs } = throttling;
  const passed = passedPerMinute === null ? 'few operations' : `${passedPerMinute} operations a minute`;
  const how =
    refusedPerMinute > 0
      ? `refuses ${refusedPerMinute} a minute (429)`
      : `takes ${(meanMs / 1_000).toFixed(1)} s for each`;
  return `throttles: lets ${passed} pass, and ${how}; the settings allow ${facts.operationsPerMinute}`;
}

function balenaLimit({ at, row }: HealthFacts): string | null {
  const agoMs = at - (row?.throttled.balena?.at ?? 0);
  return agoMs > presentMs ? null : `limited our requests ${Math.round(agoMs / 1_000)} s ago (429)`;
}
