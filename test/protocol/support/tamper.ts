import type { VariableName } from '../../../src/balena/types.js';
import { pairOf } from './certificates.js';
import type { System } from './createSystem.js';
import { uuids } from './devices.js';
import type { Act } from './Scenario.js';

type How = Extract<Act['what'], { kind: 'tamper' }>['how'];

const alien = 'A'.repeat(64);

/** Somebody changes something behind our back. */
export function tamper(system: System, uuid: string, how: How, scope: string): void {
  const { cloud, world } = system;
  const device = cloud.device(uuid);
  const rows = device.variables.get(scope)!;
  const set = (name: VariableName, value: string) =>
    rows.set(name, { id: rows.get(name)?.id ?? cloud.nextRow(), value });
  if (how !== 'lose-queue') device.tampered = true;
  switch (how) {
    case 'delete-device':
      device.gone = true;
      for (const variables of device.variables.values()) variables.clear();
      return;
    case 'hub': {
      const change = world.pick([null, 'other', [alien, alien], 'disable'] as const);
      if (change === 'disable') device.disabled = device.identity !== null;
      else Object.assign(device, { identity: change, disabled: false });
      device.etag += 1;
      return;
    }
    case 'lose-record':
      device.recordLost = true;
      system.callersOf(uuid).lostAt = world.now + 2 * system.scenario.skewMs;
      device.lostDuringRun = runOf(system, uuid);
      system.loseRecord(uuid);
      return;
    case 'restore-record':
      if (!system.restoreRecord(uuid, world.int(1, 6))) return;
      device.recordLost = true;
      system.callersOf(uuid).lostAt = world.now + 2 * system.scenario.skewMs;
      system.unlisted.add(uuid);
      return;
    case 'lose-queue':
      system.queueLost = true;
      system.broker.loseAll(world.random() < 0.5);
      return;
    case 'remove':
      device.variablesChangedAt = world.now;
      rows.delete(world.pick(['AZURE_CERT', 'AZURE_PRIVATE_KEY']));
      return;
    case 'alien': {
      if (rows.size === 0) return;
      device.variablesChangedAt = world.now;
      // A matching pair of another device.
      const other = pairOf(uuid === uuids[0] ? uuids[1] : uuids[0], 0);
      set('AZURE_CERT', other.certificate);
      set('AZURE_PRIVATE_KEY', other.privateKey);
      return;
    }
    case 'alien-key':
      if (rows.size === 0) return;
      device.variablesChangedAt = world.now;
      set('AZURE_PRIVATE_KEY', 'not a key');
      return;
  }
}

/** The run that holds the lease of a device; null if there is none. */
function runOf({ recordOf, world }: System, uuid: string): string | null {
  const lease = recordOf(uuid)?.lease;
  return lease && !lease.unresolved && world.now < lease.until ? lease.by : null;
}
