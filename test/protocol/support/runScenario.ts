import { pendingWork } from '../../../src/device/state.js';
import { resendLostWakeUps } from '../../../src/ops/bulk/wakeUp.js';
import { redrive } from '../../../src/provisioning/redrive.js';
import { asAcknowledged } from './asAcknowledged.js';
import { atRest } from './atRest.js';
import { createDriver } from './createDriver.js';
import { createSystem, type System } from './createSystem.js';
import { deviceName, uuids } from './devices.js';
import { ask, invoke, lookAgain, online, perform, repairLists } from './perform.js';
import type { RuleOff } from './RuleOff.js';
import { removeOldRecords } from './removeOldRecords.js';
import type { Scenario } from './Scenario.js';
import { periodMs } from './startProcess.js';
import { exempt, waitLimit } from './waitLimit.js';
import { isCutOff } from './watchOwnKey.js';

export interface Verdict {
  /** The violations, each with the device. */
  violations: Map<string, string>;
  /** The history of the device with the first violation; empty by default. */
  history: string;
}

const mostSteps = 20_000;
/** The most messages and deliveries after the faults have stopped. Waiting for a lease costs a copy every five seconds. Ten workers can die in turn, at ten times the cost. */
const mostPerDevice = { usual: 150, poison: 1_500 };

/** Plays one history: a phase of acts and faults, then a phase without faults until all is at rest. Collects the violations. */
export async function runScenario(scenario: Scenario, rule: RuleOff = {}, trace = false): Promise<Verdict> {
  const system = createSystem(scenario, rule, trace);
  const { world, broker, cloud } = system;
  const driver = createDriver(system);
  if (scenario.poison !== null) cloud.device(uuids[scenario.poison]!).poison = true;
  if (scenario.late) {
    const { device, what, ms } = scenario.late;
    cloud.device(uuids[device]!).late = { what, until: world.now + ms };
  }

  let at = world.now;
  for (const act of scenario.acts) {
    at += act.afterMs;
    world.at(at, () => perform(system, driver.http(), act));
  }
  const faultsUntil = at + scenario.faultsForMs;
  const tick = () => {
    const worker = driver.worker();
    invoke(system, worker, '', async () => {
      await redrive(worker.deps);
      await resendLostWakeUps(worker.ops);
      await removeOldRecords(system, worker);
      // The redrive repairs one of 256 partitions. Three of them have devices.
      await worker.deps.records.repairLists(world.pick(uuids).slice(0, 2));
    });
    world.at(world.now + periodMs, tick);
  };
  if (!rule.noTimer) world.at(world.now + world.int(0, periodMs), tick);

  await driver.until(() => world.now >= faultsUntil, mostSteps);
  driver.stopFaults();
  repairLists(system, driver.http());
  const before = { sends: broker.sends(), deliveries: system.deliveries };
  await settle();
  await comeOnline();
  const anyTampered = uuids.some((uuid) => cloud.device(uuid).tampered);
  noteLeftAtHub();
  if (anyTampered || scenario.audit) {
    audit(uuids);
    await settle();
    noteLeftAtHub();
    for (const uuid of uuids) {
      // For a failed record of a deleted device, an audit requests the absence of the device.
      const given = system.recordOf(uuid)?.job?.dead && cloud.device(uuid).gone;
      if (given) ask(system, driver.http(), { uuid, present: false });
    }
    await settle();
  } else {
    const unsure = uuids.filter((uuid) => needsAudit(system, uuid));
    if (unsure.length > 0) {
      audit(unsure);
      await settle();
    }
  }
  if (!isQuiet(system, driver.isIdle())) world.violated('', 'not quiescent');
  // A bulk action looks at its wave every two seconds, while one of its devices backs off for up to an hour.
  const looks = scenario.acts.some(({ what }) => what.kind === 'bulk') ? 2_000 : 0;
  const budget = looks + mostPerDevice[scenario.poison === null ? 'usual' : 'poison'] * uuids.length;
  if (broker.sends() - before.sends > budget || system.deliveries - before.deliveries > budget)
    world.violated('', 'livelock');
  for (const uuid of uuids) {
    if (uuid === exempt(system)) continue;
    if (isCutOff(cloud.device(uuid)))
      world.violated(uuid, 'the hub rejects the certificate that the device uses');
    for (const what of atRest(system, uuid, anyTampered || scenario.audit)) world.violated(uuid, what);
    for (const what of asAcknowledged(system, uuid)) world.violated(uuid, what);
  }
  return { violations: world.violations, history: trace ? history(system) : '' };

  /** The late devices come online after balena has them with their services. */
  async function comeOnline(): Promise<void> {
    for (const uuid of uuids) {
      const { late } = cloud.device(uuid);
      if (!late) continue;
      world.now = Math.max(world.now, late.until);
      online(system, driver.http(), uuid);
    }
    await settle();
  }

  function audit(which: readonly string[]): void {
    world.note('', 'AUDIT');
    for (const uuid of which) lookAgain(system, driver.http(), uuid, true);
  }

  function noteLeftAtHub(): void {
    for (const uuid of uuids)
      if (isLeftAtHub(system, uuid))
        world.violated(uuid, 'a check has looked, and the identity of the deleted device is left');
  }

  async function settle(): Promise<void> {
    const limits = new Map(uuids.map((uuid) => [uuid, waitLimit(system, uuid)]));
    const last = Math.max(...limits.values());
    await driver.until(() => {
      for (const [uuid, limit] of limits) {
        if (world.now <= limit || uuid === exempt(system)) continue;
        limits.delete(uuid);
        if (isWaiting(system, uuid)) world.violated(uuid, 'waits too long');
      }
      return world.now > last || isQuiet(system, driver.isIdle());
    }, mostSteps);
  }
}

/** The next audit repairs a failed check, and the effect of a late call by a dead worker. */
function needsAudit({ recordOf, cloud }: System, uuid: string): boolean {
  const record = recordOf(uuid);
  const isLate = cloud.device(uuid).lateCallers.some(({ diedAt }) => diedAt !== null);
  return isLate || (record !== null && record.job === null && record.error !== null);
}

/** A check always looks: a deleted device that was once seen has no identity after a check, whatever became of its last request. */
function isLeftAtHub(system: System, uuid: string): boolean {
  const { checkedSinceGone, identity, recordLost } = system.cloud.device(uuid);
  const record = system.recordOf(uuid);
  const wasSeen = (record?.observed.fleet ?? null) !== null;
  // By design a check that fails for good ends. The next check, here the audit's, looks again.
  const hasFailed = record?.error && record.error.code !== 'device-not-found' && !record.job?.dead;
  return (
    checkedSinceGone && identity !== null && wasSeen && !hasFailed && !recordLost && uuid !== exempt(system)
  );
}

function isWaiting({ recordOf }: System, uuid: string): boolean {
  const record = recordOf(uuid);
  return record !== null && pendingWork(record) !== null;
}

/** No message is under way, and no job is pending. */
function isQuiet(system: System, idle: boolean): boolean {
  const { broker } = system;
  const but = exempt(system);
  return (
    idle &&
    broker.isEmpty(but) &&
    // A bulk action goes on as long as any of the devices.
    (but !== null || system.runningActions().length === 0) &&
    !uuids.some((uuid) => uuid !== but && isWaiting(system, uuid))
  );
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
