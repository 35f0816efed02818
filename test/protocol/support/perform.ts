import type { DeviceRecord } from '../../../src/device/record.js';
import { deadPart, refusedPart } from '../../../src/device/refusal.js';
import type { DeviceRequest, RequestedOwnKey } from '../../../src/device/request.js';
import { rotate } from '../../../src/fleet/rotate.js';
import { handleEvent } from '../../../src/http/webhook/handle.js';
import type { Item, StoredAction } from '../../../src/ops/bulk/action.js';
import { cancelAction } from '../../../src/ops/bulk/cancel.js';
import { cancelItem, cancelRotation } from '../../../src/ops/bulk/cancelItem.js';
import { discardItem } from '../../../src/ops/bulk/discardItem.js';
import { planAction } from '../../../src/ops/bulk/plan.js';
import { replayItem } from '../../../src/ops/bulk/replayItem.js';
import { startAction } from '../../../src/ops/bulk/start.js';
import { RequestError } from '../../../src/ops/shared/request.js';
import { accept } from '../../../src/provisioning/accept.js';
import { requestCheck } from '../../../src/provisioning/check.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { type CallerRequest, isMet, type Wish } from './callers.js';
import { keyToSignOf, ownCertificateOf } from './certificates.js';
import { type CloudDevice, hubAccepts, wholePairAt } from './createCloud.js';
import type { System } from './createSystem.js';
import { uuids } from './devices.js';
import type { Act } from './Scenario.js';
import type { Running } from './startProcess.js';
import { tamper } from './tamper.js';
import { longestRevocationMs, noteUse, watchRevocation } from './watchOwnKey.js';
import { watchProof } from './watchProof.js';

/** The product's `resentAfterMs`. */
const resentAfterMs = 60_000;

type OwnAct = Extract<Act['what'], { kind: 'own' }>;

/** Performs an act: by an HTTP function, or by another program. */
export function perform(system: System, running: Running, { device, what }: Act): void {
  const { world, cloud } = system;
  const uuid = uuids[device] ?? uuids[0];
  world.note(uuid, 'ACT', what);
  noteUse(system, uuid, what);
  switch (what.kind) {
    case 'provision':
      ask(system, running, { uuid, present: true, service: what.scope }, what.proof);
      break;
    case 'deprovision':
      ask(system, running, { uuid, present: false });
      break;
    case 'own': {
      // A request with an own key always needs a proof.
      const own = ownKeyFor(cloud.device(uuid), what);
      ask(system, running, { uuid, present: true, service: null, own }, true);
      break;
    }
    case 'poll':
      break;
    case 'created':
      event(system, running, uuid);
      break;
    case 'rotate':
      requestRotation(system, running, uuid, what.revoke, what.earlier === true);
      break;
    case 'check':
      lookAgain(system, running, uuid, what.forceVerify, what.inMs);
      break;
    case 'renew':
      // Every pair of this device until now. Pairs of other devices with the same age are due as well.
      system.renewBefore = Math.max(system.renewBefore ?? 0, renewalOf(cloud.device(uuid).minted));
      lookAgain(system, running, uuid, false);
      break;
    case 'right':
      cloud.device(uuid).readOnly = world.faults && !what.mayWrite;
      break;
    case 'ca':
      world.down.ca = world.faults ? world.now + what.ms : 0;
      break;
    case 'resend':
      resend(system, uuid, what.keepsId);
      break;
    case 'replay':
      replay(system, running, uuid, what);
      break;
    case 'cancel': {
      const action = system.recordOf(uuid)?.action;
      if (!action) return;
      const { operators, retired } = system.callersOf(uuid);
      const isRotation = action.previous !== undefined && !system.replays.has(action.id);
      if (isRotation) retired.clear();
      else operators.cancelled = true;
      const cancel = isRotation ? cancelRotation : cancelItem;
      invoke(system, running, uuid, () => cancel(running.deps, actionOf(action.id), uuid));
      break;
    }
    case 'discard': {
      const item = failedItem(system, uuid);
      if (!item) return;
      if (item.requestId !== null) system.callersOf(uuid).operators.discarded.add(item.requestId);
      invoke(system, running, uuid, async () => {
        await discardItem(running.deps, actionOf(`${uuid} discard`), item);
      });
      break;
    }
    case 'bulk':
      startBulk(system, running, what.action, what.ramp);
      break;
    case 'bulk-cancel': {
      const id = system.bulk.at(-1);
      if (id === undefined) return;
      for (const one of uuids) {
        const { operators, retired } = system.callersOf(one);
        operators.cancelled = true;
        // A begun rotation goes on to the end; a waiting rotation is taken back.
        retired.clear();
      }
      invoke(system, running, '', async () => {
        await cancelAction(running.ops, id).catch(ignoreEnded);
      });
      break;
    }
    case 'tamper':
      tamper(system, uuid, what.how, what.scope);
      break;
  }
}

/**
 * Takes a request, like the HTTP functions.
 *
 * @param proof as in `accept`: whether the caller has proved to be the device
 */
export function ask(system: System, running: Running, requested: DeviceRequest, proof?: boolean): void {
  const { world } = system;
  const { uuid } = requested;
  const callers = system.callersOf(uuid);
  const wish: Wish = requested.present
    ? { present: true, service: requested.service, own: requested.own }
    : { present: false };
  const request = callers.call(wish, running.process, { proof });
  invoke(system, running, uuid, async () => {
    try {
      const answer = await (system.rule.accept ?? accept)(running.deps, requested, proof);
      await world.step(running.process);
      const { requestId, present, service, own } = answer.record.desired;
      const isAboutRequest =
        present === wish.present && (!wish.present || (service === wish.service && isMet(wish.own, own)));
      if (
        !isAboutRequest &&
        !['service-conflict', 'failed', 'revoked', 'too-many-keys', 'unproved'].includes(answer.kind)
      )
        world.violated(uuid, 'the answer is about another request');
      world.note(uuid, running.process.name, 'answers', answer.kind, requestId.slice(-4));
      // In the cool-down of one own certificate, every other one is refused, too.
      const isOfOther = answer.kind === 'failed' && !isAboutRequest;
      callers.answer(request, isOfOther ? 'ignored' : answer.kind, requestId);
      // The device reads the certificate of its request.
      if (requested.present && requested.own) system.cloud.device(uuid).ownKey.inUse = null;
      watchProof(system, uuid, request, answer.kind);
      if (answer.kind === 'already-provisioned') watchAnswer(system, uuid, request);
    } catch (error) {
      callers.answer(request, 'error');
      throw error;
    }
  });
}

/** The own key in a request of a device. The device uses the newest of its certificates that the hub accepts. */
function ownKeyFor(device: CloudDevice, { fresh, uses, csr }: OwnAct): RequestedOwnKey {
  const { ownKey, uuid } = device;
  const used = uses ? ownKey.requested.findLast((each) => hubAccepts(device, each)) : undefined;
  ownKey.said = used ?? null;
  if (used !== undefined) ownKey.shown = true;
  if (csr) {
    if (fresh || ownKey.made === 0) ownKey.made += 2;
    ownKey.csrs += 1;
    const renewal = { at: csr === 'due' ? Number.MAX_SAFE_INTEGER : 0, renewAt: 1 };
    return { ...keyToSignOf(uuid, ownKey.made - 1), uses: used, renewal };
  }
  if (fresh || ownKey.made === 0) ownKey.made += 1;
  const certificate = ownCertificateOf(uuid, ownKey.made - 1);
  ownKey.keys.set(certificate.thumbprint, certificate.key);
  if (!ownKey.requested.includes(certificate.thumbprint)) ownKey.requested.push(certificate.thumbprint);
  return { ...certificate, uses: used };
}

/** A look that was good counts for a minute. The look itself lasts no longer than a lease, and clocks differ by some seconds. */
const trustedForMs = 60_000 + 120_000 + 5_000;

/** The answer "already provisioned" is true, or was true a short time ago. */
function watchAnswer({ world, cloud }: System, uuid: string, { wish, calledAt }: CallerRequest): void {
  const device = cloud.device(uuid);
  if (!wish.present || wish.service === null || device.recordLost || device.gone) return;
  if (wholePairAt(device, wish.service) !== null || calledAt - device.variablesChangedAt < trustedForMs)
    return;
  if (Number.isFinite(device.variablesChangedAt)) world.violated(uuid, 'an untrue 409');
}

/** Takes an event "created", like the webhook. */
function event(system: System, running: Running, uuid: string): void {
  const callers = system.callersOf(uuid);
  const request = callers.call({ present: true, service: 'a' }, running.process, { isEvent: true });
  invoke(system, running, uuid, async () => {
    try {
      const { outcome, requestId } = await (system.rule.handleEvent ?? handleEvent)(
        running.deps,
        { kind: 'created', uuid },
        'a',
      );
      await system.world.step(running.process);
      callers.answer(request, outcome === 'checked' ? 'ignored' : outcome, requestId);
    } catch (error) {
      callers.answer(request, 'error');
      throw error;
    }
  });
}

/** Takes an event "online", like the webhook. */
export function online(system: System, running: Running, uuid: string): void {
  invoke(system, running, uuid, async () => {
    const event = { kind: 'check', uuid, type: 'online' } as const;
    await (system.rule.handleEvent ?? handleEvent)(running.deps, event, 'a');
  });
}

/** Requests a rotation, like operators. A rotation changes neither service nor presence. */
function requestRotation(
  system: System,
  running: Running,
  uuid: string,
  revoke: boolean,
  earlier: boolean,
): void {
  const thumbprint = revoke && earlier ? system.recordOf(uuid)?.observed.previous : undefined;
  // A rotation without revocation has an action, and can be cancelled. A revocation is never cancelled here, because the thumbprint is remembered.
  const action = revoke ? undefined : `${uuid} ${system.actions}`;
  system.actions += 1;
  const { retired, revoked, revokedKeys, rotations } = system.callersOf(uuid);
  const rotation: (typeof rotations)[number] = { requestId: null };
  rotations.push(rotation);
  invoke(system, running, uuid, async () => {
    const answer = await (system.rule.rotate ?? rotate)(running.deps, uuid, {
      revoke,
      ...(action !== undefined && { action }),
      ...(thumbprint && { thumbprint }),
    });
    await system.world.step(running.process);
    if (answer.kind !== 'accepted') return;
    const { retire: all = [], requestId } = answer.record.desired;
    rotation.requestId = requestId;
    // The newest is the last. A repeated rotation is answered with the earlier one.
    const retire = thumbprint ?? all.at(-1);
    if (retire === undefined) return;
    retired.add(retire);
    if (!revoke) return;
    revoked.add(retire);
    system.world.at(system.world.now + longestRevocationMs, () => watchRevocation(system, uuid, retire));
    const key = system.cloud.device(uuid).ownKey.keys.get(retire);
    if (key !== undefined) revokedKeys.add(key);
  });
}

export function lookAgain(
  system: System,
  running: Running,
  uuid: string,
  forceVerify: boolean,
  inMs = 0,
): void {
  const device = system.cloud.device(uuid);
  const { gone } = device;
  invoke(system, running, uuid, async () => {
    await requestCheck(running.deps, uuid, { forceVerify, due: running.deps.clock.now() + inMs });
    device.checkedSinceGone ||= gone && system.recordOf(uuid) !== null;
  });
}

/** An operator resends a dead letter with another tool. At rest, the dead job of the dead letter is done, or has failed again. */
function resend(system: System, uuid: string, keepsId: boolean): void {
  const { broker, cloud, world } = system;
  const deadLetter = broker.resendByHand(uuid, keepsId);
  if (!deadLetter) return;
  cloud.device(uuid).byHand += 1;
  const record = system.recordOf(uuid);
  const { body } = deadLetter;
  const dead = record && 'uuid' in body && deadPart(record, body)?.job?.dead;
  // A worker cannot tell a message from its copy within a minute.
  if (dead && deadLetter.reason !== null && world.now - deadLetter.enqueuedAt > resentAfterMs)
    system.resent.set(uuid, { requestId: body.requestId, generation: body.generation });
}

/** Replays a failed request, for the same service or for another one. */
function replay(
  system: System,
  running: Running,
  uuid: string,
  { inMs, service }: Extract<Act['what'], { kind: 'replay' }>,
): void {
  const failed = failedPart(system, uuid);
  if (!failed?.job) return;
  const { desired, job } = failed;
  const item = itemOf(uuid, desired.requestId, job.generation);
  const action = actionOf(`${uuid} ${system.actions}`, service ?? null);
  system.actions += 1;
  system.replays.add(action.id);
  system.cloud.device(uuid).byHand += 1;
  const callers = system.callersOf(uuid);
  // Only a request for an issued key gets another service.
  const isNew = service !== undefined && desired.service !== null && service !== desired.service;
  const request = isNew ? callers.call({ present: true, service }, running.process) : null;
  invoke(system, running, uuid, async () => {
    try {
      const isReplayed = await replayItem(running.deps, action, item, running.deps.clock.now() + inMs);
      await system.world.step(running.process);
      if (request) callers.answer(request, isReplayed ? 'accepted' : 'ignored');
    } catch (error) {
      if (request) callers.answer(request, 'error');
      throw error;
    }
  });
}

/** Plans a bulk action and starts the action. Operators are not told about single devices. */
function startBulk(
  system: System,
  running: Running,
  action: 'replay' | 'discard' | 'rotate' | 'revoke',
  ramp: boolean,
): void {
  for (const uuid of uuids) {
    const { operators, rotations } = system.callersOf(uuid);
    if (action === 'discard') operators.discardedAll = true;
    if (action === 'replay') system.cloud.device(uuid).byHand += 1;
    if (action === 'rotate' || action === 'revoke') rotations.push({ requestId: null });
  }
  const kind = action === 'revoke' ? 'rotate' : action;
  invoke(system, running, '', async () => {
    const plan = await planAction(running.ops, { kind, revoke: action === 'revoke', reason: 'no need' });
    system.bulk.push(plan.id);
    system.world.note('', running.process.name, 'plans', kind, plan.id, plan.counts.planned);
    await startAction(running.ops, plan.id, { ramp }).catch(ignoreEnded);
  });
}

/** An ended action cannot be cancelled, and a cancelled action cannot be started. */
function ignoreEnded(error: unknown): void {
  if (!(error instanceof RequestError)) throw error;
}

/** An invocation may fail only if the records or the queue cannot be reached. */
export function invoke(system: System, running: Running, uuid: string, run: () => Promise<void>): void {
  running.busy += 1;
  const whole = async () => {
    try {
      await run();
    } catch (error) {
      const known = error instanceof ProvisioningError && error.policy.fault === 'storage';
      if (!known)
        system.world.violated(
          uuid,
          `an invocation threw ${error instanceof Error ? error.stack : String(error)}`,
        );
    } finally {
      running.busy -= 1;
    }
  };
  void whole();
}

/** Repairs the lists after records were restored by hand, as the redrive does within a day. */
export function repairLists(system: System, running: Running): void {
  for (const uuid of system.unlisted) {
    invoke(system, running, uuid, async () => {
      await running.deps.records.repairLists(uuid.slice(0, 2));
      system.unlisted.delete(uuid);
    });
  }
}

/** The part of a record with a dead job. */
function failedPart({ recordOf }: System, uuid: string): DeviceRecord | null {
  const record = recordOf(uuid);
  return record?.job?.dead ? record : record && refusedPart(record);
}

/** The item of a plan for a device with a dead job. */
function failedItem(system: System, uuid: string): Item | null {
  const dead = failedPart(system, uuid);
  return dead?.job ? itemOf(uuid, dead.desired.requestId, dead.job.generation) : null;
}

function itemOf(uuid: string, requestId: string, generation: number): Item {
  return { uuid, requestId, generation, sequenceNumber: null };
}

function actionOf(id: string, service: string | null = null): StoredAction {
  const operators = { by: 'ops', startedBy: null, cancelledBy: null, reason: 'no need' };
  return { id, service, ...operators } as StoredAction;
}

/** A time between the backdated starts of a device's n-th certificate and the next certificate: see `certificates.ts`. */
function renewalOf(minted: number): number {
  return Date.UTC(2026, 0, 1) + (minted - 1) * 60_000 - 300_000 + 30_000;
}
