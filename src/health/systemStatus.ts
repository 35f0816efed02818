import { type EpochMs, iso } from '../shared/time.js';
import type { HealthFacts } from './facts.js';
import { attentions, type DeviceFacts, slowdowns, stops } from './incidents.js';
import { measure, perMinute } from './measured.js';
import type { Incident, SystemState, SystemStatus } from './statusSchema.js';
import { statusSentence } from './statusText.js';

/** Fewer finished devices say too little about the rate. */
const leastFinished = 3;

/**
 * Decides the state of the whole system. Page, CLI and health show this state, and no other code decides about the system.
 *
 * @param devices null if nobody has counted the devices
 */
export function systemStatus(facts: HealthFacts, devices: DeviceFacts | null): SystemStatus {
  const incidents = [...stops(facts), ...slowdowns(facts), ...attentions(facts, devices)];
  const backlog = backlogOf(facts, devices, incidents[0]?.level === 'stopped');
  const status = { at: iso(facts.at), state: stateOf(incidents, backlog), incidents, backlog };
  return { ...status, sentence: statusSentence(status, (at) => at) };
}

function stateOf([worst]: Incident[], { waiting }: SystemStatus['backlog']): SystemState {
  if (worst) return worst.level;
  return waiting !== null && waiting > 0 ? 'catching-up' : 'healthy';
}

/** The backlog at the measured rate. The limit in the settings says nothing about the end: the hub, the workers or balena may be slower. */
function backlogOf(
  facts: HealthFacts,
  devices: DeviceFacts | null,
  isStopped: boolean,
): SystemStatus['backlog'] {
  const waiting = devices?.waiting ?? null;
  const finishedPerMinute = isStopped ? null : finishedPerMinuteOf(facts);
  if (waiting === null || waiting === 0 || finishedPerMinute === null || finishedPerMinute === 0)
    return { waiting, finishedPerMinute, doneAt: null };
  const doneAt: EpochMs = facts.at + (waiting * 60_000) / finishedPerMinute;
  // A device that is tried again later is finished after that time.
  return {
    waiting,
    finishedPerMinute,
    doneAt: wholeSecond(Math.max(doneAt, devices?.lastDue ?? 0)),
  };
}

/** A millisecond of an estimate says nothing. */
function wholeSecond(at: EpochMs): string {
  return iso(Math.round(at / 1_000) * 1_000);
}

function finishedPerMinuteOf({ row, at }: HealthFacts): number | null {
  const measured = measure(row, at);
  if (!measured) return null;
  const { provisioned, deprovisioned, failed } = measured.counts;
  const finished = provisioned + deprovisioned + failed;
  return finished < leastFinished ? null : perMinute(finished, measured);
}
