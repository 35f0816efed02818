import { limitRequests } from '../../../src/balena/limitRequests.js';
import { advanceAction } from '../../../src/ops/bulk/advance.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import { parseMessage, readWakeUpMessage } from '../../../src/queue/messages.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { type Message, uuidOf } from './createBroker.js';
import type { System } from './createSystem.js';
import { fakeBalena } from './fakeBalena.js';
import { fakeHub } from './fakeHub.js';
import type { Running } from './startProcess.js';

class CannotSettle extends Error {}

/** Three quarters of W. */
const slowMs = 45_000;

/** One delivery of a message to a worker, as by the Functions host and `functions/worker.ts`. */
export function deliver(system: System, running: Running, message: Message): void {
  const { world, broker, cloud } = system;
  const { process, deps } = running;
  const uuid = uuidOf(message.body);
  const token = broker.lock(message);
  running.busy += 1;
  const startedAt = world.now;
  const atDelivery = system.atDelivery.get(process) ?? [];
  system.atDelivery.set(process, atDelivery);
  atDelivery.push(uuid);
  system.deliveries += 1;
  world.note(uuid, process.name, 'gets', message.messageId, `delivery ${message.deliveries}`);

  const work = async () => {
    const wakeUp = readWakeUpMessage(message.body);
    if (wakeUp) return advanceAction(running.ops, wakeUp);
    let isPostponed = false;
    const bare = fakeHub(system, process, uuid);
    const hub = system.rule.hub?.(bare) ?? bare;
    const strict = fakeBalena(system, process, uuid, () => {
      // The runs of other devices in the same process die, too.
      for (const other of atDelivery.filter((each) => each !== '' && each !== uuid))
        cloud.device(other).trouble += 1;
      world.kill(process);
    });
    const balena = limitRequests(system.rule.balena?.(strict) ?? strict, deps.balenaLimit);
    await processMessage({ ...deps, hub, balena }, parseMessage({ ...message.body }), {
      sequenceNumber: String(message.sequenceNumber),
      enqueuedAt: message.enqueuedAt,
      async deadLetter(reason) {
        await world.step(process);
        if (world.chance(0.1)) throw new CannotSettle();
        if (system.rule.noDeadLetters) broker.complete(message, token);
        else broker.deadLetter(message, token, reason);
        await world.step(process);
      },
      log(line) {
        world.note(uuid, process.name, line);
        // A run without a written result counts as the death of the worker.
        if (line.includes('records-unavailable')) cloud.device(uuid).trouble += 1;
        if (line.includes('postponed for some seconds')) isPostponed = true;
      },
    });
    // Another delivery for the device in the same process may be the one with the run.
    const isAlone = atDelivery.filter((each) => each === uuid).length === 1;
    if (!isPostponed && isAlone && cloud.device(uuid).lostDuringRun?.startsWith(`${process.name}/`))
      world.violated(uuid, 'a record that was lost during a run was not made again');
    await deps.status.report();
  };

  const settle = async () => {
    try {
      await work();
      await world.step(process);
      broker.complete(message, token);
    } catch (error) {
      await world.step(process);
      broker.abandon(message, token);
      if (error instanceof CannotSettle) return;
      const code = error instanceof ProvisioningError ? error.code : null;
      if (code === 'queue-unavailable' || code === 'queue-throttled') return;
      if (uuid === '' && code === 'records-unavailable') return;
      world.violated(uuid, `a delivery threw ${error instanceof Error ? error.stack : error}`);
    } finally {
      running.busy -= 1;
      // Slow steps alone can use up the time for a run.
      if (uuid !== '' && world.now - startedAt > slowMs) cloud.device(uuid).trouble += 1;
      atDelivery.splice(atDelivery.indexOf(uuid), 1);
    }
  };
  void settle();
}
