import type { VariableScope } from '../../../src/device/record.js';
import type { CallerRequest, Wish } from './callers.js';
import { type CloudDevice, hubAccepts, scopesWithOurs, wholePairAt } from './createCloud.js';
import type { System } from './createSystem.js';
import { uuids } from './devices.js';

/**
 * Compares hub, balena and the dead-letter queue at rest with the answers to the callers of a device. The comparison does not trust the
 * record of the device: a wrong record is found here.
 *
 * @returns the faults, in words
 */
export function asAcknowledged(system: System, uuid: string): string[] {
  const device = system.cloud.device(uuid);
  const callers = system.callersOf(uuid);
  const candidates = callers.candidates();
  if (!callers.isRequested()) {
    // No request is certain to count. After the loss of the record, or a change from outside, the outcome is open.
    if (device.recordLost || device.tampered || hasNothing(device)) return [];
  }
  if (candidates.some((request) => isFailed(system, uuid, request))) return [];
  const outcomes = candidates.map(({ wish }) => faultsOf(system, device, wish));
  if (outcomes.some((faults) => faults.length === 0)) return [];
  const wishes = [...new Set(candidates.map(({ wish }) => describeWish(wish)))].join(' or ');
  system.world.note(uuid, 'WANTED', wishes, 'FOUND', outcomes[0] ?? 'something that nobody requested');
  return ['not what was acknowledged'];
}

/** The differences between a wish and the state of hub and balena. */
function faultsOf(system: System, device: CloudDevice, wish: Wish): string[] {
  const { retired, revoked } = system.callersOf(device.uuid);
  const faults: string[] = [];
  if (device.gone) return device.identity ? ['identity left'] : [];
  if (!wish.present) {
    if (device.identity) faults.push('identity left');
    if (!isEmpty(device)) faults.push('variables left');
    return faults;
  }
  // By design a device whose identity an operator has disabled stays as it is.
  if (device.disabled) return faults;
  const pair = wholePairAt(device, wish.service);
  if (pair === null) faults.push('no whole pair');
  else if (!hubAccepts(device, pair)) faults.push('the hub does not accept the pair');
  // By design the scopes of a lost record are unknown, and also the thumbprint to retire.
  if (device.recordLost) return faults;
  if (!isEmpty(device, wish.service)) faults.push('variables elsewhere');
  if (pair !== null && retired.has(pair)) faults.push('not rotated');
  if ([...revoked].some((thumbprint) => hubAccepts(device, thumbprint))) faults.push('not revoked');
  return faults;
}

function hasNothing(device: CloudDevice): boolean {
  return device.identity === null && isEmpty(device);
}

/**
 * Does the device hold no variable of ours, except in one scope?
 *
 * After the loss of a record, and after a late call of a dead worker, half a pair may stay. By design only whole pairs are known to be
 * ours.
 */
export function isEmpty(device: CloudDevice, except?: VariableScope): boolean {
  const scopes = scopesWithOurs(device).filter((scope) => scope !== except);
  const mayLeaveHalf = device.recordLost || device.lateCallers.some(({ diedAt }) => diedAt !== null);
  if (!mayLeaveHalf) return scopes.length === 0;
  return scopes.every((scope) => wholePairAt(device, scope) === null);
}

/** Did a request fail for good, with a dead letter for the request, and with a cause in the world? */
function isFailed(system: System, uuid: string, request: CallerRequest): boolean {
  const callers = system.callersOf(uuid);
  const { requestId, wish } = request;
  const { discarded } = callers.operators;
  if (requestId === null ? discarded.size > 0 : discarded.has(requestId)) return true;
  const dead = system.recordOf(uuid)?.job?.dead;
  // By design a bulk discard leaves the reason in the record, and no dead letter.
  if (dead?.discarded && callers.operators.discardedAll) return true;
  // By design the message of a failed request is sent once. With the queue the dead letter is lost.
  if (dead && system.queueLost) return true;
  const candidates = new Set(callers.candidates());
  // The sender of an event is told the id of the earlier request.
  const others = new Set(
    callers.requests.filter((one) => !one.isEvent && !candidates.has(one)).map((one) => one.requestId),
  );
  const { rotations } = callers;
  const isUnknown = requestId === null || rotations.some((rotation) => rotation.requestId === null);
  const ids = new Set([requestId, ...rotations.map((rotation) => rotation.requestId)]);
  return system.broker.deadLetters().some(({ body, reason }) => {
    const isNamed =
      'uuid' in body &&
      body.uuid === uuid &&
      body.operation === (wish.present ? 'provision' : 'deprovision') &&
      body.service === (wish.present ? wish.service : null) &&
      (ids.has(body.requestId) || (isUnknown && !others.has(body.requestId)));
    return isNamed && reason !== null && isJustified(system, uuid, wish, reason);
  });
}

/** Does the world give a cause for this error? */
export function isJustified(system: System, uuid: string, wish: Wish, reason: string): boolean {
  const { scenario, cloud } = system;
  const { sick } = scenario;
  const device = cloud.device(uuid);
  if (system.callersOf(uuid).operators.cancelled) return true;
  switch (reason) {
    case 'service-not-found':
      return wish.present && wish.service === 'x';
    case 'device-not-found':
      return device.gone || device.hidden;
    case 'hub-device-disabled':
      return wish.present && device.tampered;
    case 'device-not-visible':
      return !wish.present && device.blindRuns >= scenario.maxAttempts;
    case 'fleet-not-visible':
      return wish.present && device.blindRuns >= scenario.maxAttempts;
    case 'balena-rejected':
    case 'hub-rejected':
      return device.gone || (sick !== null && uuids[sick.device] === uuid && sick.how === 'rejected');
    case 'timed-out':
    case 'unexpected':
    case 'worker-died':
    case 'balena-conflict':
    case 'hub-conflict':
      return device.poison || device.trouble >= scenario.maxAttempts;
    default:
      return false;
  }
}

function describeWish(wish: Wish): string {
  return wish.present ? `present at '${wish.service}'` : 'absent';
}
