import type { DeviceRecord } from '../../../src/device/record.js';
import { usesOwnKey } from '../../../src/device/state.js';
import { type CloudDevice, hubAccepts, wholePairAt } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';
import type { Act } from './Scenario.js';

/** The time for which an issued certificate stays beside an own one. */
export const keepIssuedMs = 600_000;

/** Notes the kind of the key for which a process takes the device. */
export function noteLease({ leases }: System, name: string, { uuid, desired }: DeviceRecord): void {
  const kinds = leases.get(`${name} ${uuid}`) ?? new Set();
  leases.set(`${name} ${uuid}`, kinds.add(desired.own ? 'own' : desired.present ? 'issued' : 'absent'));
}

/** For an own key nothing is minted, and nothing is stored. A process that has lost its lease may still work for an earlier request. */
export function watchSecret(
  system: System,
  { name }: Process,
  uuid: string,
  what: 'minted' | 'stored',
): void {
  const kinds = system.leases.get(`${name} ${uuid}`);
  if (kinds?.size === 1 && kinds.has('own')) system.world.violated(uuid, `a key was ${what} for an own key`);
}

/** Notes the certificates of the CA that a record holds. */
export function noteSigned({ cloud }: System, { uuid, desired }: DeviceRecord): void {
  if (desired.own?.thumbprint) cloud.device(uuid).ownKey.recorded.add(desired.own.thumbprint);
}

/** The record has a certificate of the CA before the hub hears of it. */
export function watchSigned({ world }: System, { uuid, ownKey }: CloudDevice, pair: readonly string[]): void {
  const isUnknown = (each: string) => ownKey.keys.has(each) && !ownKey.recorded.has(each);
  if (pair.some(isUnknown)) world.violated(uuid, 'the hub heard of a certificate that no record has held');
}

/** The device uses the certificate that it reads with GET. After a request, or an act of an operator, the device has to read again. */
export function noteUse({ cloud, recordOf }: System, uuid: string, what: Act['what']): void {
  const { ownKey } = cloud.device(uuid);
  const record = recordOf(uuid);
  const own = record?.desired.own;
  if (what.kind === 'poll')
    ownKey.inUse = record && own?.thumbprint && own.certificate && usesOwnKey(record) ? own.thumbprint : null;
  else if (what.kind !== 'check' && !(what.kind === 'tamper' && what.how === 'lose-record'))
    ownKey.inUse = null;
}

/** The hub accepts the certificate that a device with a certificate request has read, and uses. */
export function isCutOff(device: CloudDevice): boolean {
  const { inUse } = device.ownKey;
  return inUse !== null && !device.gone && !device.hidden && !hubAccepts(device, inUse);
}

/** A run for an own key registers no certificate of a revoked key, also if the record does not know the key of the certificate. */
export function watchRevokedKey(
  { world, recordOf, atWork }: System,
  { name }: Process,
  { uuid, ownKey }: CloudDevice,
  pair: readonly string[],
): void {
  const desired = atWork.get(uuid);
  // A process that has lost its lease may not know of the revocation.
  if (!desired?.own || !recordOf(uuid)?.lease?.by.startsWith(`${name}/`)) return;
  const { revokedKeys = [] } = desired;
  if (pair.some((each) => revokedKeys.includes(ownKey.keys.get(each) ?? '')))
    world.violated(uuid, 'a certificate of a revoked key was registered');
}

/** In a calm history, the hub rejects a revoked certificate within this time. */
export const longestRevocationMs = 600_000;

/** A revocation does not wait for a CA that does not answer. */
export function watchRevocation(
  { world, cloud, recordOf, scenario }: System,
  uuid: string,
  thumbprint: string,
): void {
  const device = cloud.device(uuid);
  const isWaiting = world.now < world.down.ca && recordOf(uuid)?.desired.own?.thumbprint === null;
  const isExcused = !world.calm || scenario.failing > 1 || device.tampered || device.gone || device.hidden;
  if (isWaiting && !isExcused && hubAccepts(device, thumbprint))
    world.violated(uuid, 'a revocation waits for the CA');
}

/** Notes when the hub first accepts an own certificate. */
export function noteAcceptance({ world }: System, { identity, ownKey }: CloudDevice): void {
  if (!Array.isArray(identity) || ownKey.acceptedAt !== null) return;
  if (identity.some((each) => ownKey.requested.includes(each))) ownKey.acceptedAt = world.now;
}

/** Whether an issued certificate may be retired: the device has shown that it uses its own, or the time has passed. */
export function mayRetireIssued({ world, scenario }: System, { ownKey }: CloudDevice): boolean {
  const { shown, acceptedAt } = ownKey;
  return shown || (acceptedAt !== null && world.now >= acceptedAt + keepIssuedMs - 2 * scenario.skewMs);
}

/** In a calm history, the variables of an issued key stay until the device has shown that it uses its own, or the time has passed. */
export function watchRemoval(system: System, { name }: Process, device: CloudDevice, scope: string): void {
  const { uuid, tampered, gone, hidden } = device;
  const kinds = system.leases.get(`${name} ${uuid}`);
  const isOfOwnKey = kinds?.size === 1 && kinds.has('own');
  const isExcused = tampered || gone || hidden || system.callersOf(uuid).rotations.length > 0;
  if (!system.world.calm || !isOfOwnKey || isExcused || wholePairAt(device, scope) === null) return;
  if (!mayRetireIssued(system, device))
    system.world.violated(uuid, 'variables were removed before the use of the own key was shown');
}
