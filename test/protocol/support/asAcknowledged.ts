import type { VariableScope } from '../../../src/device/record.js';
import { type CallerRequest, isMet, type OwnWish, type Wish } from './callers.js';
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
  const candidates = afterRefusals(system, callers.candidates(), uuid);
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

/** Does the request name a service that never exists? */
function isRefused({ wish }: CallerRequest): boolean {
  return wish.present && wish.service === 'x';
}

/** The causes of a failure for good that say nothing about the requested service. */
const failuresOfOthers = [
  'balena-conflict',
  'balena-rejected',
  'balena-unavailable',
  'balena-write-refused',
  'device-not-visible',
  'hub-conflict',
  'hub-rejected',
  'hub-unavailable',
  'timed-out',
  'worker-died',
];

/**
 * A refused request changes nothing: the candidates are the requests before, back to an acknowledged request. Without such a request, and
 * after a finished DELETE, the refused request counts, and fails.
 */
function afterRefusals(system: System, candidates: CallerRequest[], uuid: string): CallerRequest[] {
  const refused = candidates.filter(isRefused);
  if (refused.length === 0) return candidates;
  const callers = system.callersOf(uuid);
  const acknowledged = callers.acknowledged();
  const before = Math.min(...refused.map(({ calledAt }) => calledAt));
  const first = Math.min(...callers.requests.filter(isRefused).map(({ calledAt }) => calledAt));
  const later = Math.max(...refused.map(({ answeredAt }) => answeredAt ?? Number.POSITIVE_INFINITY));
  const isDone = ({ requestId }: CallerRequest) =>
    (system.done.get(requestId ?? '') ?? Number.POSITIVE_INFINITY) < before;
  // An event that crosses with a request may find that request, and then counts for nothing.
  const hasCounted = (request: CallerRequest) =>
    acknowledged.includes(request) &&
    (request.isEvent ? (request.answeredAt ?? before) < first : request.calledAt < before);
  let rest = callers.requests.filter((request) => !isRefused(request));
  const possible: CallerRequest[] = [];
  for (;;) {
    const layer = callers.candidates(rest);
    if (layer.length === 0 || layer.some((request) => !request.wish.present && isDone(request)))
      return [...candidates, ...possible, ...layer];
    possible.push(...layer);
    if (layer.some(hasCounted)) {
      // A device that seems to be gone is not the fault of the request. Only a reached state comes back after other failures.
      const isReached = layer.some((request) => !request.wish.present || isDone(request));
      const reasons = isReached ? ['device-not-found'] : ['device-not-found', ...failuresOfOthers];
      // While balena shows no such device, or none of its services, every request fails, and the last one counts.
      const { late, hidden } = system.cloud.device(uuid);
      // A request that failed for good before does not come back.
      const hasFailed = layer.some(({ requestId }) => (callers.gaveUp.get(requestId ?? '') ?? later) < later);
      if (!isReached && (late || hidden || hasFailed)) reasons.push('service-not-found');
      const { discarded } = callers.operators;
      const isDiscarded = ({ requestId }: CallerRequest) =>
        reasons.includes('service-not-found') && requestId !== null && discarded.has(requestId);
      const counts = (request: CallerRequest) =>
        isDiscarded(request) || isFailed(system, uuid, request, reasons);
      return [...possible, ...refused.filter(counts)];
    }
    rest = rest.filter((request) => !layer.includes(request));
  }
}

/** The differences between a wish and the state of hub and balena. */
function faultsOf(system: System, device: CloudDevice, wish: Wish): string[] {
  const { retired, revoked } = system.callersOf(device.uuid);
  const faults: string[] = [];
  if (device.gone) return device.identity ? ['identity left'] : [];
  if (!wish.present) {
    // By design the record of a removed device goes after a time. Nobody then removes an identity that somebody else has made.
    const isForgotten = device.tampered && system.recordOf(device.uuid) === null;
    if (device.identity && !isForgotten) faults.push('identity left');
    // By design a device that the key does not see, in a fleet that the key sees, counts as deleted.
    if (!isEmpty(device) && !device.hidden) faults.push('variables left');
    return faults;
  }
  // By design a device whose identity an operator has disabled stays as it is.
  if (device.disabled) return faults;
  if (wish.own !== undefined) return ownKeyFaults(system, device, wish.own);
  const pair = wholePairAt(device, wish.service ?? '');
  if (pair === null) faults.push('no whole pair');
  else if (!hubAccepts(device, pair)) faults.push('the hub does not accept the pair');
  // By design the scopes of a lost record are unknown, and also the thumbprint to retire. A DELETE of a device that balena does not show
  // ends without removing the pair, and forgets the thumbprint too.
  if (device.recordLost || device.hidden) return faults;
  if (!isEmpty(device, wish.service ?? undefined)) faults.push('variables elsewhere');
  if (pair !== null && retired.has(pair)) faults.push('not rotated');
  if ([...revoked].some((thumbprint) => hubAccepts(device, thumbprint))) faults.push('not revoked');
  return faults;
}

/** The differences between the wish for an own key and the state of hub and balena. */
function ownKeyFaults(system: System, device: CloudDevice, own: OwnWish): string[] {
  const { revoked, revokedKeys, rotations } = system.callersOf(device.uuid);
  const faults: string[] = [];
  const { keys } = device.ownKey;
  if (!acceptsOwn(device, own)) faults.push('the hub does not accept the own certificate');
  if (device.recordLost || device.hidden) return faults;
  const accepted = Array.isArray(device.identity) ? device.identity : [];
  if (accepted.some((each) => !device.ownKey.requested.includes(each)))
    faults.push('the hub accepts a certificate that is not an own one');
  if (!isEmpty(device)) faults.push('variables left');
  if ([...revoked].some((thumbprint) => hubAccepts(device, thumbprint))) faults.push('not revoked');
  if (accepted.some((each) => revokedKeys.has(keys.get(each) ?? '')))
    faults.push('a revoked key is accepted');
  const before = rotations.length === 0 && !device.tampered ? ownBefore(system, device.uuid) : null;
  if (before !== null && !acceptsOwn(device, before))
    faults.push('the own certificate before is not accepted');
  return faults;
}

/** The own certificate before the last one, if a caller was told about both, one after the other, and the first one was done; otherwise null. */
function ownBefore({ callersOf, done, cloud }: System, uuid: string): OwnWish | null {
  const acknowledged = callersOf(uuid).acknowledged();
  const last = callersOf(uuid).requests.at(-1);
  const others = callersOf(uuid).requests.filter(({ wish }) => !last || !isSameOwn(wish, last.wish));
  const before = others.at(-1);
  if (!before?.wish.present || before.wish.own === undefined || !acknowledged.includes(before)) return null;
  const first = callersOf(uuid).requests.find(
    ({ calledAt, wish }) => calledAt > before.calledAt && last && isSameOwn(wish, last.wish),
  );
  // Each signature of the CA is another certificate.
  if (last?.wish.present && last.wish.own?.thumbprint === null && last !== first) return null;
  // The certificate in use stays, and the device may use another one than it requested last.
  const { said } = cloud.device(uuid).ownKey;
  if (said !== null && said !== before.wish.own.thumbprint) return null;
  const doneAt = done.get(before.requestId ?? '') ?? Number.POSITIVE_INFINITY;
  return first && doneAt < first.calledAt ? before.wish.own : null;
}

function isSameOwn(one: Wish, other: Wish): boolean {
  if (!one.present || !other.present || !one.own || !other.own) return false;
  return one.own.key === other.own.key && one.own.thumbprint === other.own.thumbprint;
}

/** Whether the hub accepts the certificate of a wish; or, if the CA signs, a certificate of the key. */
function acceptsOwn(device: CloudDevice, { key, thumbprint }: OwnWish): boolean {
  if (thumbprint !== null) return hubAccepts(device, thumbprint);
  return (
    Array.isArray(device.identity) && device.identity.some((each) => device.ownKey.keys.get(each) === key)
  );
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
  // By design a device that the key does not see, while the key sees the fleet, counts as deleted, with all of its variables.
  if (device.hidden) return true;
  const scopes = scopesWithOurs(device).filter((scope) => scope !== except);
  const mayLeaveHalf = device.recordLost || device.lateCallers.some(({ diedAt }) => diedAt !== null);
  if (!mayLeaveHalf) return scopes.length === 0;
  return scopes.every((scope) => wholePairAt(device, scope) === null);
}

/**
 * Did a request fail for good, with a dead letter for the request, and with a cause in the world?
 *
 * @param reasons only dead letters with these reasons count; null: all
 */
function isFailed(
  system: System,
  uuid: string,
  request: CallerRequest,
  reasons: readonly string[] | null = null,
): boolean {
  const callers = system.callersOf(uuid);
  const { requestId, wish } = request;
  const { discarded } = callers.operators;
  if (!reasons && (requestId === null ? discarded.size > 0 : discarded.has(requestId))) return true;
  const record = system.recordOf(uuid);
  const dead = record?.job?.dead ?? record?.refusal?.job?.dead;
  // By design a bulk discard leaves the reason in the record, and no dead letter.
  if (!reasons && dead?.discarded && callers.operators.discardedAll) return true;
  // By design the message of a failed request is sent once. With the queue the dead letter is lost.
  if (!reasons && dead && system.queueLost) return true;
  // By design a request for a device that balena never had leaves its reason in the record, and no dead letter.
  const isOfRecord = requestId === null || requestId === record?.desired.requestId;
  if (dead?.unknown && isOfRecord && isJustified(system, uuid, wish, 'device-not-found')) return true;
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
      isMet(wish.present ? wish.own : undefined, body.own) &&
      (ids.has(body.requestId) || (isUnknown && !others.has(body.requestId)));
    return (
      isNamed &&
      reason !== null &&
      (reasons?.includes(reason) ?? true) &&
      isJustified(system, uuid, wish, reason)
    );
  });
}

/** Does the world give a cause for this error? */
export function isJustified(system: System, uuid: string, wish: Wish, reason: string): boolean {
  const { scenario, cloud } = system;
  const { sick } = scenario;
  const device = cloud.device(uuid);
  // The attempts of a request add up over all causes.
  const failures = device.trouble + device.blindRuns;
  if (system.callersOf(uuid).operators.cancelled) return true;
  // A check that finds the device or its services later leaves the dead letter as it is, if the check fails.
  const isMissing = reason === 'device-not-found' || reason === 'service-not-found';
  const isRejected = sick !== null && uuids[sick.device] === uuid && sick.how === 'rejected';
  if (isMissing && device.late !== null && (failures >= scenario.maxAttempts || isRejected)) return true;
  switch (reason) {
    case 'service-not-found':
      // A device with an own key is valid before balena has its services. A request that is refused meanwhile is taken up by no check.
      if (device.late !== null && device.ownKey.requested.length > 0) return true;
      return wish.present && wish.service === 'x';
    case 'device-not-found':
      if (device.late !== null && wish.present && wish.service === 'x') return true;
      return device.gone || device.hidden;
    case 'certificate-revoked':
      return wish.present && wish.own !== undefined && system.callersOf(uuid).rotations.length > 0;
    case 'hub-device-disabled':
      return wish.present && device.tampered;
    case 'device-not-visible':
      return device.blindRuns > 0 && failures >= scenario.maxAttempts;
    case 'balena-rejected':
    case 'hub-rejected':
      return device.gone || isRejected;
    case 'balena-unavailable':
    case 'balena-write-refused':
    case 'hub-unavailable':
    case 'timed-out':
    case 'unexpected':
    case 'worker-died':
    case 'balena-conflict':
    case 'hub-conflict':
      return device.poison || failures >= scenario.maxAttempts;
    default:
      return false;
  }
}

function describeWish(wish: Wish): string {
  if (!wish.present) return 'absent';
  return wish.own === undefined
    ? `present at '${wish.service}'`
    : `present with ${(wish.own.thumbprint ?? wish.own.key).slice(0, 6)}`;
}
