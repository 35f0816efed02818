import { isPending } from '../../../src/device/state.js';
import { redrive } from '../../../src/provisioning/redrive.js';
import { atRest } from './atRest.js';
import { createDriver } from './createDriver.js';
import { createSystem, type System } from './createSystem.js';
import { deviceName, uuids } from './devices.js';
import { ask, invoke, lookAgain, perform } from './perform.js';
import type { RuleOff } from './RuleOff.js';
import type { Scenario } from './Scenario.js';
import { periodMs } from './startProcess.js';

export interface Verdict {
  /** What was violated, and on which device. */
  violations: Map<string, string>;
  /** What happened to the device that went wrong first; empty unless asked for. */
  history: string;
}

const hours = 3_600_000;
const mostSteps = 20_000;
/** Of messages and deliveries, once faults have stopped. A lease that is waited for costs a copy every five seconds; ten workers that die one after the other, ten times as many. */
const mostPerDevice = { usual: 150, poison: 1_500 };

/** Plays one history: a phase of acts and faults, then without faults until nothing moves; says what is wrong then. */
export async function runScenario(scenario: Scenario, rule: RuleOff = {}, trace = false): Promise<Verdict> {
  const system = createSystem(scenario, rule, trace);
  const { world, broker, cloud } = system;
  const driver = createDriver(system);
  if (scenario.poison !== null) cloud.device(uuids[scenario.poison]!).poison = true;

  let at = world.now;
  for (const act of scenario.acts) {
    at += act.afterMs;
    world.at(at, () => perform(system, driver.http(), act));
  }
  const faultsUntil = at + scenario.faultsForMs;
  const tick = () => {
    const worker = driver.worker();
    invoke(system, worker, '', async () => void (await redrive(worker.deps)));
    world.at(world.now + periodMs, tick);
  };
  if (!rule.noTimer) world.at(world.now + world.int(0, periodMs), tick);

  await driver.until(() => world.now >= faultsUntil, mostSteps);
  driver.stopFaults();
  const before = { sends: broker.sends(), deliveries: system.deliveries };
  await settle();
  const anyTampered = uuids.some((uuid) => cloud.device(uuid).tampered);
  const audited = anyTampered || scenario.audit;
  if (audited) {
    world.note('', 'AUDIT');
    for (const uuid of uuids) lookAgain(system, driver.http(), uuid, true);
    await settle();
    for (const uuid of uuids) {
      // Audit turns a failed record whose device balena no longer knows into a request for its absence.
      const given = system.recordOf(uuid)?.job?.dead && cloud.device(uuid).gone;
      if (given) ask(system, driver.http(), { uuid, present: false });
    }
    await settle();
  }
  if (!isQuiet(system, driver.isIdle())) world.violated('', 'not quiescent');
  const budget = mostPerDevice[scenario.poison === null ? 'usual' : 'poison'] * uuids.length;
  if (broker.sends() - before.sends > budget || system.deliveries - before.deliveries > budget)
    world.violated('', 'livelock');
  for (const uuid of uuids) {
    for (const what of atRest(system, uuid, audited)) world.violated(uuid, what);
  }
  return { violations: world.violations, history: trace ? history(system) : '' };

  async function settle(): Promise<void> {
    const until = world.now + 72 * hours;
    await driver.until(() => world.now > until || isQuiet(system, driver.isIdle()), mostSteps);
  }
}

/** Nothing is on its way, and no work is owed. */
function isQuiet({ broker, recordOf }: System, idle: boolean): boolean {
  return idle && broker.isEmpty() && !uuids.some((uuid) => isPending(recordOf(uuid)?.job ?? null));
}

function history({ world, rows, cloud }: System): string {
  const wrong = [...world.violations.values()].find((uuid) => uuid !== '') ?? uuids[0];
  const lines = world.history
    .filter(({ device }) => device === wrong || device === '')
    .map(({ at, parts }) => {
      const text = parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' ');
      return `${((at - Date.UTC(2026, 0, 2)) / 1_000).toFixed(1)} ${text}`;
    });
  const device = cloud.device(wrong);
  return [
    `Device ${deviceName(wrong)}:`,
    ...lines,
    `hub ${JSON.stringify(device.identity)}`,
    `gone ${device.gone} tampered ${device.tampered} minted ${device.minted}`,
    ...[...rows.system].map(([id, { json }]) => `${id} ${json}`),
  ].join('\n');
}
