import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { addKey } from './addKey.js';
import { insert, transaction, type Value } from './openDatabase.js';

export interface NewDevice {
  /** Id of its fleet. */
  application: number;
  /** 32 or 62 hexadecimal digits, lower case. Default: 32 random ones. */
  uuid?: string;
  /** Id. Default: that of the fleet. */
  deviceType?: number;
  /** Its first API key. Default: a random one. */
  apiKey?: string;
  /** More columns. */
  details?: Record<string, Value>;
}

export interface AddedDevice {
  id: number;
  uuid: string;
  apiKey: string;
}

/** Registers a device in a fleet. It runs the fleet's release, and so every service of the fleet is installed on it. */
export function addDevice(db: DatabaseSync, device: NewDevice): AddedDevice {
  const { application, uuid = randomBytes(16).toString('hex'), details = {} } = device;
  const now = new Date().toISOString();
  return transaction(db, () => {
    const fleet = db.prepare('SELECT is_for__device_type FROM application WHERE id = ?').get(application);
    const actor = insert(db, 'actor');
    const id = insert(db, 'device', {
      created_at: now,
      modified_at: now,
      uuid,
      actor,
      device_name: `local-${uuid.slice(0, 7)}`,
      belongs_to__application: application,
      is_of__device_type: device.deviceType ?? Number(fleet?.is_for__device_type),
      is_online: false,
      is_connected_to_vpn: false,
      is_web_accessible: false,
      is_active: true,
      is_frozen: false,
      api_heartbeat_state: 'unknown',
      ...details,
    });
    db.prepare(
      'INSERT INTO service_install (created_at, device, installs__service) SELECT ?, ?, id FROM service WHERE application = ?',
    ).run(now, id, application);
    return { id, uuid, apiKey: addKey(db, actor, null, device.apiKey) };
  });
}
