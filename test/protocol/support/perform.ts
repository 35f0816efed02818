import type { DeviceRequest } from '../../../src/device/request.js';
import { handleEvent } from '../../../src/http/webhook/handle.js';
import type { Item, StoredAction } from '../../../src/ops/bulk/action.js';
import { cancelItem, cancelRotation } from '../../../src/ops/bulk/cancelItem.js';
import { discardItem } from '../../../src/ops/bulk/discardItem.js';
import { replayItem } from '../../../src/ops/bulk/replayItem.js';
import { accept } from '../../../src/provisioning/accept.js';
import { requestCheck } from '../../../src/provisioning/check.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import type { System } from './createSystem.js';
import { uuids } from './devices.js';
import type { Act } from './Scenario.js';
import type { Running } from './startProcess.js';
import { tamper } from './tamper.js';

/** Does what an act says, as an HTTP function does it, or behind our back. */
export function perform(system: System, running: Running, { device, what }: Act): void {
  const { world, broker, cloud } = system;
  const uuid = uuids[device] ?? uuids[0];
  world.note(uuid, 'ACT', what);
  switch (what.kind) {
    case 'provision':
      ask(system, running, { uuid, present: true, service: what.scope });
      break;
    case 'deprovision':
      ask(system, running, { uuid, present: false });
      break;
    case 'created':
      invoke(system, running, uuid, async () => {
        await handleEvent(running.deps, { kind: 'created', uuid }, 'a');
      });
      break;
    case 'rotate': {
      const record = system.recordOf(uuid);
      const retire = record?.observed.thumbprint;
      if (!retire || !record.desired.present || record.desired.service === null) return;
      ask(system, running, {
        uuid,
        present: true,
        service: record.desired.service,
        retire,
        revoke: what.revoke,
        forceVerify: what.forceVerify ?? false,
        // As a bulk action does it: one that revokes is not taken back here, for what is revoked is remembered.
        ...(!what.revoke && { action: `${uuid} ${system.actions}` }),
      });
      system.actions += 1;
      break;
    }
    case 'check':
      lookAgain(system, running, uuid, what.forceVerify, what.inMs);
      break;
    case 'renew':
      // Every pair that this device has had until now; others of the same age are due as well.
      system.renewBefore = Math.max(system.renewBefore ?? 0, renewalOf(cloud.device(uuid).minted));
      lookAgain(system, running, uuid, false);
      break;
    case 'resend':
      if (broker.resendByHand(uuid)) cloud.device(uuid).byHand += 1;
      break;
    case 'replay': {
      const item = failedItem(system, uuid);
      if (!item) return;
      const action = actionOf(`${uuid} ${system.actions}`);
      system.actions += 1;
      cloud.device(uuid).byHand += 1;
      invoke(system, running, uuid, async () => {
        await replayItem(running.deps, action, item, running.deps.clock.now() + what.inMs);
      });
      break;
    }
    case 'cancel': {
      const action = system.recordOf(uuid)?.action;
      if (!action) return;
      const cancel = action.previous ? cancelRotation : cancelItem;
      invoke(system, running, uuid, () => cancel(running.deps, actionOf(action.id), uuid));
      break;
    }
    case 'discard': {
      const item = failedItem(system, uuid);
      if (!item) return;
      invoke(system, running, uuid, async () => {
        await discardItem(running.deps, actionOf(`${uuid} discard`), item);
      });
      break;
    }
    case 'tamper':
      tamper(system, uuid, what.how, what.scope);
      break;
  }
}

/** Takes a request, as the HTTP functions do. */
export function ask(system: System, running: Running, requested: DeviceRequest): void {
  const { world, accepted, revoked } = system;
  invoke(system, running, requested.uuid, async () => {
    const answer = await accept(running.deps, requested);
    await world.step(running.process);
    world.note(
      requested.uuid,
      running.process.name,
      'answers',
      answer.kind,
      answer.record.desired.requestId.slice(-4),
    );
    if (answer.kind !== 'accepted') return;
    const { requestId, retire, revoke } = answer.record.desired;
    accepted.add(requestId);
    if (revoke && retire !== undefined) revoked.add(retire);
  });
}

export function lookAgain(
  system: System,
  running: Running,
  uuid: string,
  forceVerify: boolean,
  inMs = 0,
): void {
  invoke(system, running, uuid, () =>
    requestCheck(running.deps, uuid, forceVerify, running.deps.clock.now() + inMs),
  );
}

/** An invocation that answers with an error if the records or the queue cannot be reached, and never otherwise. */
export function invoke(system: System, running: Running, uuid: string, run: () => Promise<void>): void {
  running.busy += 1;
  const whole = async () => {
    try {
      await run();
    } catch (error) {
      const known = error instanceof ProvisioningError && /^(records|queue)-unavailable$/.test(error.code);
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

/** What a plan would hold of a device, if it failed for good. */
function failedItem({ recordOf }: System, uuid: string): Item | null {
  const record = recordOf(uuid);
  if (!record?.job?.dead) return null;
  const { generation } = record.job;
  return { uuid, requestId: record.desired.requestId, generation, sequenceNumber: null };
}

function actionOf(id: string): StoredAction {
  return { id, by: 'ops', startedBy: null, cancelledBy: null, reason: 'no need' } as StoredAction;
}

/** Between the backdated start of a device's n-th certificate and that of the next: see `certificates.ts`. */
function renewalOf(minted: number): number {
  return Date.UTC(2026, 0, 1) + (minted - 1) * 60_000 - 300_000 + 30_000;
}
