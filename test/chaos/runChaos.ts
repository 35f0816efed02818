import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StackOptions } from '../../local/stack/startStack.js';
import { checkDevice } from './check/checkDevice.js';
import { createSecretsCheck } from './check/createSecretsCheck.js';
import type { Violation } from './check/Evidence.js';
import { describeDevice } from './describeDevice.js';
import type { AskDependencies } from './history/sendAsk.js';
import { measureCost } from './measureCost.js';
import { makePlan, type PlanOptions } from './plan/makePlan.js';
import type { Plan } from './plan/Plan.js';
import { play } from './play.js';
import { summarize } from './summarize.js';
import { control } from './system/control.js';
import { gather } from './system/gather.js';
import type { Line } from './system/Line.js';
import { readRows } from './system/readRecords.js';
import { secretsOf } from './system/secretsOf.js';
import { settle } from './system/settle.js';
import { type System, startSystem } from './system/startSystem.js';

export interface ChaosOptions extends PlanOptions {
  /** How long the system may take to settle, ms. */
  settleWithinMs: number;
  /** Gets every line of every process when all is over. */
  linesFile?: string;
  /** The timers that run. Default: all. */
  timers?: StackOptions['timers'];
  /** Progress, a line each. */
  say(line: string): void;
}

export interface ChaosReport {
  violations: Violation[];
  /** A summary of the run in a few lines. */
  summary: string;
  /** The histories of the devices with errors. */
  histories: string[];
}

/**
 * Starts the real processes, injects the faults of the seed, waits until the system has settled, and checks every accepted
 * request.
 */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
  const begun = performance.now();
  const now = () => performance.now() - begun;
  const lines: Line[] = [];
  const onLine = (process: string, text: string) => lines.push({ at: now(), process, text });
  const system = await startSystem(folder, onLine, options.timers);
  try {
    return await breakAndCheck(system, makePlan(options), options, { now, lines });
  } finally {
    await system.close();
    await rm(folder, { recursive: true, force: true });
    if (options.linesFile) await writeFile(options.linesFile, lines.map(textOf).join(''));
  }
}

async function breakAndCheck(
  system: System,
  plan: Plan,
  { settleWithinMs, say }: ChaosOptions,
  { now, lines }: { now(): number; lines: Line[] },
): Promise<ChaosReport> {
  const { endpoints, simulators } = system.stack;
  const secrets = createSecretsCheck(secretsOf(endpoints));
  const deps: AskDependencies = {
    functions: endpoints.functions,
    now,
    onAnswer: (text) => secrets.look('an answer', text),
  };
  const uuids = plan.devices.filter(({ exists }) => exists).map(({ uuid }) => uuid);
  await control(simulators.balena?.endpoints.controlUrl, 'POST /devices', { uuids });

  say('calm: what a fresh device costs');
  const violations = await measureCost(system, deps);
  say(`chaos: ${plan.events.length} events in ${Math.round(plan.lengthMs / 1_000)} s`);
  const asks = await play(plan, system, deps);
  say('settling');
  const end = await settle(system, settleWithinMs, ({ messages, deadLetterTexts }) => {
    for (const text of [...messages, ...deadLetterTexts]) secrets.look('a message', text);
  });
  violations.push(...end.violations);
  const evidence = await gather(system, plan.devices, asks, end.queue.deadLetters, deps.onAnswer);
  violations.push(...evidence.flatMap(checkDevice));
  say('calm again: what a fresh device costs');
  violations.push(...(await measureCost(system, deps)));

  for (const table of ['devices', 'system']) {
    for (const row of await readRows(endpoints.tables?.connectionString ?? '', table))
      secrets.look(`a row of ${table}`, Object.values(row).join(' '));
  }
  for (const { process, text } of lines) secrets.look(`a line of ${process}`, text);
  violations.push(...secrets.found());

  const wrong = new Set(violations.map(({ uuid }) => uuid));
  const recordOf = new Map(end.records.map((record) => [record.uuid, record]));
  const histories = evidence
    .filter(({ device }) => wrong.has(device.uuid))
    .map((each) => describeDevice(each, recordOf.get(each.device.uuid), lines));
  return { violations, summary: summarize(plan, evidence, end), histories };
}

function textOf({ at, process, text }: Line): string {
  return `${(at / 1_000).toFixed(3)} ${process}: ${text}\n`;
}
