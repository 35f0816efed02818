import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { addKey } from './addRows.js';
import { insert, transaction, type Value } from './database.js';
import { followDeviceChange } from './installs.js';

export interface NewDevice {
  /** Id of the device's fleet. */
  application: number;
  /** 32 or 62 hexadecimal digits, lower case. Default: 32 random ones. */
  uuid?: string | undefined;
  /** Id. Default: the fleet's device type. */
  deviceType?: number;
  /** The device's first API key. Default: a random key. */
  apiKey?: string | undefined;
}

export interface AddedDevice {
  id: number;
  uuid: string;
  apiKey: string;
}

/** Further columns of new devices. With an OS version and variant, a device has an install of the host OS. */
export type Details = Record<string, Value>;

/** The first report of a device with balenaOS. */
export const firstReport = {
  os_version: 'balenaOS 6.0.24',
  os_variant: 'prod',
  supervisor_version: '16.4.6',
} as const;

/** Registers a device in a fleet. The services of the fleet's release are installed on the device. */
export function addDevice(db: DatabaseSync, device: NewDevice, details: Details = {}): AddedDevice {
  return addDevices(db, [device], details)[0]!;
}

/** Registers devices with the same details. All devices are added, or none. */
export function addDevices(db: DatabaseSync, devices: NewDevice[], details: Details = {}): AddedDevice[] {
  return transaction(db, () => {
    const added = devices.map((device) => insertDevice(db, device, details));
    followDeviceChange(
      db,
      added.map(({ id }) => id),
      details,
    );
    return added;
  });
}

function insertDevice(db: DatabaseSync, device: NewDevice, details: Details): AddedDevice {
  const { application, uuid = randomBytes(16).toString('hex') } = device;
  const now = new Date().toISOString();
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
  return { id, uuid, apiKey: addKey(db, actor, null, device.apiKey) };
}
