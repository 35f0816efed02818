import type { DatabaseSync } from 'node:sqlite';
import { idOf } from './addFleet.js';
import { firstKey } from './addKey.js';
import { insert, transaction } from './openDatabase.js';

/** Device types that devices and fleets can have, by CPU architecture. */
const deviceTypes: Record<string, Record<string, string>> = {
  aarch64: {
    'raspberrypi4-64': 'Raspberry Pi 4 (using 64bit OS)',
    'generic-aarch64': 'Generic AARCH64 (ARMv8)',
  },
  armv7hf: { raspberrypi3: 'Raspberry Pi 3' },
  amd64: { 'generic-amd64': 'Generic x86_64 (GPT)', 'intel-nuc': 'Intel NUC' },
};

/** What is there before the first fleet: the device types and one user. @returns the user's API key */
export function addBasics(db: DatabaseSync): string {
  return transaction(db, () => {
    for (const [architecture, types] of Object.entries(deviceTypes)) {
      const is_of__cpu_architecture =
        idOf(db, 'cpu_architecture', 'slug', architecture) ??
        insert(db, 'cpu_architecture', { slug: architecture });
      for (const [slug, name] of Object.entries(types)) {
        if (idOf(db, 'device_type', 'slug', slug)) continue;
        const references__device_type = insert(db, 'device_type', { slug, name, is_of__cpu_architecture });
        insert(db, 'device_type_alias', { is_referenced_by__alias: slug, references__device_type });
      }
    }
    return firstKey(db, userActor(db));
  });
}

function userActor(db: DatabaseSync): number {
  const username = 'local';
  const row = db.prepare('SELECT actor FROM user WHERE username = ?').get(username);
  if (row) return Number(row.actor);
  const actor = insert(db, 'actor');
  insert(db, 'user', { created_at: new Date().toISOString(), username, email: 'local@example.com', actor });
  return actor;
}
