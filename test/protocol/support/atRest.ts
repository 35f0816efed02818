import type { DeviceRecord } from '../../../src/device/record.js';
import { deadPart, refusedPart } from '../../../src/device/refusal.js';
import {
  isDeadByOperator,
  isInDesiredState,
  isToRetire,
  pendingWork,
  stateOf,
} from '../../../src/device/state.js';
import { isEmpty } from './asAcknowledged.js';
import { hubAccepts, wholePairAt } from './createCloud.js';
import type { System } from './createSystem.js';

/** The invariants for a device at rest (docs/protocol.md, "What must always hold"). */
export function atRest(system: System, uuid: string, audited: boolean): string[] {
  const record = system.recordOf(uuid);
  const device = system.cloud.device(uuid);
  if (!record) return [];
  // Only an audit finds the state outside of a lost record, and not all of the state.
  if (device.recordLost && (record.job || !audited)) return [];
  const { job, desired } = record;
  const refused = refusedPart(record);
  // An older version of the record may hold a refusal whose dead letter was superseded, and removed, in a lost version.
  if (refused && !device.recordLost && failed(system, refused).length > 0)
    return ['refused without a dead letter'];
  if (pendingWork(record)) {
    const { requests } = system.callersOf(uuid);
    const isAcknowledged = requests.some(({ requestId }) => requestId === desired.requestId);
    return [isAcknowledged ? 'stuck' : 'stuck, never acknowledged'];
  }
  if (isLeftAfterResending(system, record)) return ['a resent dead letter was left'];
  if (job && endsGoodState(record)) return ['a refused request ended a good state'];
  if (job) return failed(system, record);
  if (device.tampered && !audited) return [];
  return desired.present ? provisioned(system, record) : deprovisioned(system, record);
}

/** An operator has resent a dead letter with another tool, and its job is still dead. The operator has neither cancelled nor discarded the job. */
function isLeftAfterResending({ resent, queueLost }: System, record: DeviceRecord): boolean {
  const message = resent.get(record.uuid);
  const dead = message && deadPart(record, message)?.job;
  return !!dead && !queueLost && !isDeadByOperator(dead);
}

/** A request for a service that does not exist has failed, and the device still has its credentials for another service. */
function endsGoodState({ error, desired, observed }: DeviceRecord): boolean {
  const isElsewhere = observed.thumbprint !== null && observed.service !== desired.service;
  return error?.code === 'service-not-found' && desired.service === 'x' && isElsewhere;
}

function failed({ broker, queueLost }: System, { job, desired, uuid }: DeviceRecord): string[] {
  const deadLetter = broker
    .deadLetters()
    .some(
      ({ body }) =>
        'uuid' in body &&
        body.uuid === uuid &&
        body.requestId === desired.requestId &&
        body.generation === job?.generation,
    );
  if (job?.dead?.unknown) return deadLetter ? ['a dead letter for an unknown device'] : [];
  return deadLetter || job?.dead?.discarded || queueLost ? [] : ['failed without a dead letter'];
}

function provisioned(system: System, record: DeviceRecord): string[] {
  const { uuid, desired } = record;
  const device = system.cloud.device(uuid);
  if (device.gone) return device.identity ? ['device gone, identity left'] : [];
  if (!isInDesiredState(record)) return unfit(system, record);
  const bad: string[] = [];
  const held = desired.own ? desired.own.thumbprint : wholePairAt(device, desired.service ?? '');
  if (stateOf(record, system.world.now) !== 'provisioned') bad.push('the state does not say provisioned');
  if (!held || held !== record.observed.thumbprint || !hubAccepts(device, held)) bad.push('mismatch');
  if (!isEmpty(device, desired.service ?? undefined) && !device.recordLost) bad.push('left elsewhere');
  // Only the device can replace the certificate of its own key.
  if (!desired.own && isToRetire(desired, held)) bad.push('not rotated');
  const revoked = [...system.callersOf(uuid).revoked].some((thumbprint) => hubAccepts(device, thumbprint));
  if (revoked && !device.recordLost && !device.hidden) bad.push('not revoked');
  return bad;
}

function deprovisioned(system: System, record: DeviceRecord): string[] {
  const device = system.cloud.device(record.uuid);
  if (!isInDesiredState(record)) return unfit(system, record);
  const bad: string[] = [];
  if (stateOf(record, system.world.now) !== 'deprovisioned') bad.push('the state does not say deprovisioned');
  if (device.identity) bad.push('identity left');
  if (!isEmpty(device) && !device.hidden) bad.push('variables left');
  return bad;
}

/** A failed check leaves its error in the record, and the next hint repeats the check. A request does not end in this way. */
function unfit({ done }: System, { error, desired }: DeviceRecord): string[] {
  if (!error) return ['no job is pending, and the record does not fit'];
  return done.has(desired.requestId) ? [] : ['a request ended without a word'];
}
