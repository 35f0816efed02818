import type { Attributes } from '@opentelemetry/api';
import type { DeviceRecord } from '../device/record.js';
import { deadPart } from '../device/refusal.js';
import { workOfMessage } from '../device/state.js';
import { deadLettered, tooLarge } from '../device/transitions.js';
import type { ProvisioningMessage } from '../queue/messages.js';
import { publish, publishCopy } from '../queue/publish.js';
import { ProvisioningError } from '../shared/errors.js';
import { iso } from '../shared/time.js';
import { addLogContext, withLogContext } from '../telemetry/logContext.js';
import { productMetrics } from '../telemetry/metrics.js';
import { inSpan } from '../telemetry/spans.js';
import { parentOfDelivery } from '../telemetry/traceparent.js';
import { admit } from './admit.js';
import type { Delivery, WorkerDependencies } from './dependencies.js';
import { finish, type RunOutcome } from './finish.js';
import { reconcile } from './reconcile.js';
import { HubCircuitOpen, ReservationNotDue, type Run } from './run.js';

const pauseBeforeThrowMs = 5_000;

/**
 * Processes one message. The message only names the device; the work is in the device's record (docs/protocol.md, "Worker").
 *
 * When this function returns, the host completes the message. When this function throws, the host delivers the message again at
 * once: the function throws only if neither the records nor the queue can store the pending work, and never in order to wait.
 */
export function processMessage(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  const { uuid, requestId, generation } = message;
  const { parent, links } = parentOfDelivery(message.traceparent);
  const attributes = { uuid, requestId, generation, sequenceNumber: delivery.sequenceNumber };
  const handle = () => withLogContext({ uuid, requestId }, () => workOrPostpone(deps, message, delivery));
  return inSpan('delivery', { attributes, links }, handle, parent);
}

/** While the records or the queue cannot be reached, a copy of the message is scheduled for later. */
async function workOrPostpone(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  try {
    await workOrGiveUp(deps, message, delivery);
  } catch (error) {
    const { code, message: why, policy } = ProvisioningError.from(error);
    if (policy.fault !== 'storage') throw error;
    const { clock, queue, random } = deps;
    delivery.log(`${message.uuid}: postponed for some seconds, because of ${code}: ${why}`);
    const later = clock.now() + Math.round(5_000 + random() * 10_000);
    try {
      await publishCopy(queue, message, delivery, later);
    } catch (unsent) {
      // A full queue takes no copy, but still delivers. Without this pause the message would use up its ten deliveries within moments.
      await clock.sleep(pauseBeforeThrowMs);
      throw unsent;
    }
  }
}

/**
 * The table refuses the record for its size, and would refuse it in each later run as well. The work fails for good, so that an operator sees
 * the device, and no other device waits for its turns.
 */
async function workOrGiveUp(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  try {
    await work(deps, message, delivery);
  } catch (error) {
    const failure = ProvisioningError.from(error);
    if (failure.code !== 'record-too-large') throw error;
    await giveUp(deps, message, delivery, failure);
  }
}

/** The work fails for good. Its record is written without the parts that can be long. */
async function giveUp(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
  error: ProvisioningError,
): Promise<void> {
  const { records, clock, status } = deps;
  delivery.log(`${message.uuid}: ${error.code}: ${error.message}`);
  const written = await records.amend(message.uuid, (found) => {
    const work = found && workOfMessage(found, message);
    return work && !('dead' in work && work.dead) ? tooLarge(found, { now: clock.now() }, error) : null;
  });
  if (!written) return;
  status.count('failed');
  productMetrics().failed(error.code, null);
  await publishAndDeadLetter(deps, written, message, delivery);
}

async function work(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  const admission = await admit(deps, message, delivery);
  addLogContext({ outcome: admission.kind });
  if (admission.kind === 'postponed') return;
  if (admission.kind === 'dead') return deadLetter(deps, admission.record, message, delivery);

  const { run } = admission;
  const startedAt = deps.clock.now();
  const outcome = await outcomeOf(run);
  run.end(outcome.kind === 'failed' ? outcome.error : undefined);
  const record = await finish(deps, { ...message, enqueuedAt: delivery.enqueuedAt }, run, outcome);
  const ms = deps.clock.now() - startedAt;
  addLogContext({ ...logContextOf(outcome), ms });
  delivery.log(describe(run, outcome, ms));
  await publishAndDeadLetter(deps, record, message, delivery);
}

/** Sends the message of the next work. If the job of the present message is dead, the message goes to the dead-letter queue. */
async function publishAndDeadLetter(
  deps: WorkerDependencies,
  record: DeviceRecord,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  await publish(deps, record);
  const dead = deadPart(record, message);
  if (dead) await deadLetter(deps, dead, message, delivery);
}

async function outcomeOf(run: Run): Promise<RunOutcome> {
  try {
    await reconcile(run);
    return { kind: 'succeeded' };
  } catch (error) {
    if (error instanceof ReservationNotDue)
      return { kind: 'reservation-not-due', reservation: error.reservation, due: error.due };
    if (error instanceof HubCircuitOpen) return { kind: 'hub-circuit-open', until: error.until };
    return { kind: 'failed', error: ProvisioningError.from(error) };
  }
}

function logContextOf(outcome: RunOutcome): Attributes {
  if (outcome.kind !== 'failed') return { outcome: outcome.kind };
  const { code, step } = outcome.error;
  return { outcome: outcome.kind, code, ...(step !== undefined && { step }) };
}

/**
 * Dead-letters a message. The record knows the dead letter before: otherwise an operator could resend a dead letter that the record takes for a late copy.
 *
 * @param record with the dead job of the message
 */
async function deadLetter(
  { records }: WorkerDependencies,
  record: DeviceRecord,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  const isUnknown = record.job?.dead?.unknown === true;
  if (isUnknown) return delivery.log(`${record.uuid}: failed for good, ${record.error?.code}`);
  const received = { ...message, enqueuedAt: delivery.enqueuedAt };
  if (deadLettered(record, received))
    await records.amend(record.uuid, (found) => found && deadLettered(found, received));
  delivery.log(`${record.uuid}: dead-lettered, ${record.error?.code}`);
  return delivery.deadLetter(record.error?.code ?? 'unexpected', describeFailure(record));
}

function describe({ uuid, desired }: Run, outcome: RunOutcome, ms: number): string {
  if (outcome.kind === 'succeeded')
    return `${uuid}: ${desired.present ? 'provisioned' : 'deprovisioned'} in ${ms} ms`;
  if (outcome.kind === 'reservation-not-due') return `${uuid}: waits for its turn at the hub`;
  if (outcome.kind === 'hub-circuit-open') return `${uuid}: waits until the hub works again`;
  const { step, code, message } = outcome.error;
  return `${uuid}: ${step ?? 'work'} failed after ${ms} ms, ${code}: ${message}`;
}

/** The description of a dead letter: step, message, attempts and times. */
export function describeFailure({ error, attempts, firstSeenAt, desired }: DeviceRecord): string {
  const step = error?.step ? `step ${error.step}: ` : '';
  return (
    `${step}${error?.message ?? 'no error is recorded'} ` +
    `(failed attempts: ${attempts}; requested ${iso(desired.requestedAt)}, first seen ${iso(firstSeenAt)})`
  );
}
