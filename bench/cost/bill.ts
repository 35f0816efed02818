import { operationsPerMinute } from '../../src/iothub/quotas.js';
import { keptPerMinute } from '../../src/telemetry/sampling.js';
import type { BootCounts, Hub } from './countBoot.js';

/** List prices in US dollars, as docs/cost.md names them. */
export const prices = {
  millionExecutions: 0.4,
  gbSecond: 0.000026,
  tenThousandTableOperations: 0.00036,
  telemetryGb: 2.3,
  /** A unit is billed by the day: a part of its price for a month. */
  hubUnit: { month: { S1: 25, S3: 2_500 }, days: 30 },
};

const memoryGb = 2;
/** The rates of one instance a second (docs/performance.md): devices of a worker, requests of an HTTP instance. */
const perInstance = { devices: 95, requests: 400 };
/** The operations of one message: sent, delivered, completed. */
const operationsOfMessage = 3;
/** The size of one item of telemetry. An estimate: nothing was billed yet. */
const itemKb = 1.5;
/** The items of our own: of the first request, and of one delivery. The host has one item for each execution. */
const items = { request: 4, delivery: 9 };
/** The looks at the line (docs/protocol.md): ten for each released turn, at most 70 a second, after half of the wait at the latest. */
const look = { leastMs: 150_000, perTurn: 10, mostPerSecond: 70, mostPart: 0.5 };
/** A look reads the record and writes the next message. A worker makes twice as many looks a second as devices: an estimate. */
const ofLook = { tableOperations: 2, devices: 0.5 };
const firstWaitMs = 100;
const longestWaitMs = 60_000;

/** The use and the costs of a booting fleet. */
export interface Bill {
  minutes: number;
  /** For each device, on average. */
  requests: number;
  /** For each device, on average. */
  messages: number;
  executions: number;
  gbSeconds: number;
  serviceBusOperations: number;
  tableOperations: number;
  telemetryGb: number;
  dollars: number;
}

/** How many requests a device has sent that waits this long: the delay doubles from 100 ms to 60 s. */
export function requestsWithin(waitMs: number): number {
  let count = 1;
  for (let at = firstWaitMs, wait = firstWaitMs; at < waitMs; count += 1) {
    wait = Math.min(wait * 2, longestWaitMs);
    if (wait === longestWaitMs) return count + Math.ceil((waitMs - at) / longestWaitMs);
    at += wait;
  }
  return count;
}

/** How many times work that waits this long looks at the line again. The whole line is before and behind the work. */
export function looksWithin(waitMs: number, perMinute: number): number {
  const part = Math.min(look.mostPart, Math.max(1 / look.perTurn, perMinute / 60 / look.mostPerSecond));
  const looksWith = (factor: number) => {
    let count = 0;
    for (let left = waitMs; left > look.leastMs; ) {
      left -= Math.max(look.leastMs, left * part) * factor;
      if (left > 0) count += 1;
    }
    return count;
  };
  // Each look has a random factor.
  const factors = [0.8, 0.9, 1, 1.1, 1.2];
  return factors.reduce((sum, factor) => sum + looksWith(factor), 0) / factors.length;
}

/** The average over devices whose waits are spread evenly over the boot. */
function average(bootMs: number, of: (waitMs: number) => number): number {
  const steps = 1_000;
  let sum = 0;
  for (let step = 0; step < steps; step += 1) sum += of(((step + 0.5) / steps) * bootMs);
  return sum / steps;
}

/**
 * Computes what the boot of a fleet uses, from the counts of a smaller boot at the same hub.
 *
 * @param counts of `countBoot`: the messages, and the table operations, are the same for each device of a larger fleet, apart from repeated requests and looks at the line
 */
export function billOf(devices: number, hub: Hub, counts: BootCounts): Bill {
  const perMinute = operationsPerMinute(hub.tier, hub.units);
  const minutes = devices / perMinute;
  const seconds = minutes * 60;
  const requests = average(seconds * 1_000, requestsWithin);
  const looksOf = (waitMs: number) => looksWithin(waitMs, perMinute);
  const looks = average(seconds * 1_000, looksOf);
  const moreLooks = looks - average((counts.devices / devices) * seconds * 1_000, looksOf);
  const messages = counts.messages + moreLooks;
  const executions = devices * (requests + messages);
  const worker = Math.max(seconds, (devices * (1 + looks * ofLook.devices)) / perInstance.devices);
  const http = Math.max(seconds, (devices * requests) / perInstance.requests);
  const gbSeconds = memoryGb * (worker + http);
  const withoutRepeats =
    counts.records + counts.lists + counts.shared - (counts.requests - 1) * counts.repeated;
  const tableOperations =
    devices * (withoutRepeats + (requests - 1) * counts.repeated + moreLooks * ofLook.tableOperations);
  const kept = (roots: number, inMinutes: number) =>
    Math.min(1, (keptPerMinute * Math.max(1, inMinutes)) / roots);
  // All first requests arrive at once. The deliveries are spread over the boot.
  const own =
    devices * items.request * kept(devices, 1) +
    devices * messages * items.delivery * kept(devices * messages, minutes);
  const telemetryGb = ((executions + own) * itemKb) / 1e6;
  const dollars =
    (executions / 1e6) * prices.millionExecutions +
    gbSeconds * prices.gbSecond +
    (tableOperations / 10_000) * prices.tenThousandTableOperations +
    telemetryGb * prices.telemetryGb;
  return {
    minutes,
    requests,
    messages,
    executions,
    gbSeconds,
    serviceBusOperations: devices * messages * operationsOfMessage,
    tableOperations,
    telemetryGb,
    dollars,
  };
}
