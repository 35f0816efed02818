import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkDevice } from './check/checkDevice.js';
import { createSecretsCheck } from './check/createSecretsCheck.js';
import type { Violation } from './check/Evidence.js';
import { describeDevice } from './describeDevice.js';
import type { AskTools } from './history/sendAsk.js';
import { measureCost } from './measureCost.js';
import { makePlan, type PlanOptions } from './plan/makePlan.js';
import { play } from './play.js';
import { summarize } from './summarize.js';
import { control } from './system/control.js';
import { gather } from './system/gather.js';
import type { Line } from './system/Lines.js';
import { readRows } from './system/readRecords.js';
import { secretsOf } from './system/secretsOf.js';
import { settle } from './system/settle.js';
import { startSystem } from './system/startSystem.js';

export interface ChaosOptions extends PlanOptions {
  /** How long the system may take to settle, ms. */
  settleWithinMs: number;
  /** Progress, a line each. */
  say(line: string): void;
}

export interface ChaosReport {
  violations: Violation[];
  /** What happened, in a few lines for people. */
  summary: string;
  /** Of each device that went wrong. */
  histories: string[];
}

/** Starts the real processes, breaks them as the seed says, lets them settle, and checks what became of every accepted request. */
export async function runChaos({ settleWithinMs, say, ...options }: ChaosOptions): Promise<ChaosReport> {
  const plan = makePlan(options);
  const folder = await mkdtemp(join(tmpdir(), 'chaos-'));
  const begun = performance.now();
  const now = () => performance.now() - begun;
  const lines: Line[] = [];
  let look = (_where: string, _text: string) => {};
  const system = await startSystem(folder, (process, text) => {
    lines.push({ at: now(), process, text });
    look(`a line of ${process}: ${text}`, text);
  });
  try {
    const { endpoints, standIns } = system.stack;
    const secrets = createSecretsCheck(secretsOf(endpoints));
    look = secrets.look;
    for (const { process, text } of lines) look(`a line of ${process}: ${text}`, text);
    const tools: AskTools = {
      functions: endpoints.functions,
      now,
      onAnswer: (text) => look(`an answer: ${text}`, text),
    };
    const uuids = plan.devices.filter(({ exists }) => exists).map(({ uuid }) => uuid);
    await control(standIns.balena?.endpoints.controlUrl, 'POST /devices', { uuids });

    say('calm: what a fresh device costs');
    const violations = await measureCost(system, tools);
    say(`chaos: ${plan.events.length} events in ${Math.round(plan.lengthMs / 1_000)} s`);
    const asks = await play(plan, system, tools);
    say('settling');
    const end = await settle(system, settleWithinMs, ({ messages, letterTexts }) => {
      for (const text of [...messages, ...letterTexts]) look(`a message: ${text}`, text);
    });
    if (!end.settled) {
      const owed = end.records.filter(({ ticket }) => ticket && !ticket.dead).map(({ uuid }) => uuid);
      const what = `not settled after ${end.tookMs} ms: owed for ${owed}; in the queue ${end.queue.messages.join('\n')}`;
      violations.push({ rule: 'ends', what });
    }
    for (const table of ['devices', 'system']) {
      for (const row of await readRows(endpoints.tables?.connectionString ?? '', table))
        look(`a row: ${row.json}`, Object.values(row).join(' '));
    }
    const evidence = await gather(system, plan.devices, asks, end.queue.letters, tools.onAnswer);
    violations.push(...evidence.flatMap(checkDevice));
    say('calm again: what a fresh device costs');
    violations.push(...(await measureCost(system, tools)), ...secrets.found());

    const wrong = new Set(violations.map(({ uuid }) => uuid));
    const histories = evidence
      .filter(({ device }) => wrong.has(device.uuid))
      .map((each) =>
        describeDevice(
          each,
          end.records.find(({ uuid }) => uuid === each.device.uuid),
          lines,
        ),
      );
    return { violations, summary: summarize(plan, evidence, end), histories };
  } finally {
    await system.close();
    await rm(folder, { recursive: true, force: true });
    if (process.env.CHAOS_LINES)
      await writeFile(
        process.env.CHAOS_LINES,
        lines.map(({ at, process, text }) => `${(at / 1_000).toFixed(3)} ${process}: ${text}\n`).join(''),
      );
  }
}
