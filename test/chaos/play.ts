import { setTimeout as sleep } from 'node:timers/promises';
import type { Ask } from './history/Ask.js';
import { type AskDependencies, sendAsk } from './history/sendAsk.js';
import type { Plan, PlannedEvent } from './plan/Plan.js';
import type { System } from './system/startSystem.js';

/** Runs all events of a plan at their times. At the end all processes run, without faults. */
export async function play(plan: Plan, system: System, deps: AskDependencies): Promise<Ask[]> {
  const asks: Ask[] = [];
  const perform = async (event: PlannedEvent): Promise<void> => {
    switch (event.kind) {
      case 'ask':
        asks.push(...(await Promise.all(event.wishes.map((wish) => sendAsk(deps, wish)))));
        return;
      case 'faults':
        return system.setFaults(event.side, event.faults);
      case 'kill':
      case 'stop':
        return system.end(event.kind, event.victim, event.downMs);
      case 'crash':
        return system.crash(event.victim);
      case 'drain':
        return system.drain(event.victim, event.forMs, event.downMs);
      case 'hang':
        return system.hang(event.victim);
      case 'pause':
        return system.pause(event.victim, event.forMs);
    }
  };
  const begun = deps.now();
  const under: Promise<void>[] = [];
  for (const event of plan.events) {
    await sleep(Math.max(0, begun + event.at - deps.now()));
    under.push(perform(event));
  }
  await Promise.all(under);
  await Promise.all([system.setFaults('hub', []), system.setFaults('balena', [])]);
  return asks;
}
