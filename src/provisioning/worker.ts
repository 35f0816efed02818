import type { Attributes } from '@opentelemetry/api';
import type { DeviceRecord } from '../device/record.js';
import type { ProvisioningMessage } from '../queue/messages.js';
import { publish, publishCopy } from '../queue/publish.js';
import { ProvisioningError } from '../shared/errors.js';
import { addLogContext, withLogContext } from '../telemetry/logContext.js';
import { inSpan } from '../telemetry/spans.js';
import { parentOfDelivery } from '../telemetry/traceparent.js';
import { admit } from './admit.js';
import type { WorkerDependencies } from './dependencies.js';
import { finish, type RunOutcome } from './finish.js';
import { reconcile } from './reconcile.js';
import { ReservationNotDue, type Run } from './run.js';

/** One delivery of a message to a worker. */
export interface Delivery {
  /** Where it stands in the queue. */
  sequenceNumber: string;
  /** When it became active, by the broker's clock, Unix ms. */
  enqueuedAt: number;
  /**
   * Moves it to the dead-letter queue. To return completes it, and to throw abandons it.
   *
   * @throws if it cannot be settled now: then throw, and the redelivery settles it
   */
  deadLetter(reason: string, description: string): Promise<void>;
  log(line: string): void;
}

const beforeThrowingMs = 5_000;

/**
 * Works on one message: a nudge to look at a device (docs/protocol.md, Worker). Returning completes the message. It throws only
 * where neither the records nor the queue can take what is to be remembered: never to wait, for throwing is redelivery at once.
 */
export function processMessage(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  const { uuid, requestId, generation } = message;
  const { parent, links } = parentOfDelivery(message.traceparent);
  const attributes = { uuid, requestId, generation, sequenceNumber: delivery.sequenceNumber };
  const work = () => withLogContext({ uuid, requestId }, () => takeUp(deps, message, delivery));
  return inSpan('delivery', { attributes, links }, work, parent);
}

async function takeUp(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  try {
    await attempt(deps, message, delivery);
  } catch (error) {
    const { code } = ProvisioningError.from(error);
    if (code !== 'records-unavailable' && code !== 'queue-unavailable') throw error;
    const { clock, queue, random } = deps;
    delivery.log(`${message.uuid}: put off, ${code}`);
    const later = clock.now() + Math.round(5_000 + random() * 10_000);
    try {
      await publishCopy(queue, message, delivery.sequenceNumber, later);
    } catch (unsent) {
      // A queue that is full delivers and takes nothing: without a pause its ten deliveries would be spent within moments.
      await clock.sleep(beforeThrowingMs);
      throw unsent;
    }
  }
}

async function attempt(
  deps: WorkerDependencies,
  message: ProvisioningMessage,
  delivery: Delivery,
): Promise<void> {
  const admission = await admit(deps, message, delivery);
  addLogContext({ outcome: admission.kind });
  if (admission.kind === 'put-off') return;
  if (admission.kind === 'dead') return giveUp(admission.record, delivery);

  const { run } = admission;
  const started = deps.clock.now();
  const ending = await end(run);
  run.over(ending.kind === 'failed' ? ending.error : undefined);
  const record = await finish(deps, message, run, ending);
  const ms = deps.clock.now() - started;
  addLogContext({ ...factsOf(ending), ms });
  delivery.log(describe(run, ending, ms));
  if (!record) return;
  await publish(deps, record);
  const { job, desired } = record;
  if (job?.dead && job.generation === message.generation && desired.requestId === message.requestId)
    await giveUp(record, delivery);
}

async function end(run: Run): Promise<RunOutcome> {
  try {
    await reconcile(run);
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof ReservationNotDue)
      return { kind: 'reservation-not-due', reservation: error.reservation };
    return { kind: 'failed', error: ProvisioningError.from(error) };
  }
}

function factsOf(ending: RunOutcome): Attributes {
  if (ending.kind !== 'failed') return { outcome: ending.kind };
  const { code, step } = ending.error;
  return { outcome: ending.kind, code, ...(step !== undefined && { step }) };
}

function giveUp(record: DeviceRecord, delivery: Delivery): Promise<void> {
  delivery.log(`${record.uuid}: dead-lettered, ${record.error?.code}`);
  return delivery.deadLetter(record.error?.code ?? 'unexpected', describeFailure(record));
}

function describe({ uuid, desired }: Run, ending: RunOutcome, ms: number): string {
  if (ending.kind === 'done')
    return `${uuid}: ${desired.present ? 'provisioned' : 'deprovisioned'} in ${ms} ms`;
  if (ending.kind === 'reservation-not-due') return `${uuid}: waits for its registry slot`;
  return `${uuid}: ${ending.error.step ?? 'work'} failed after ${ms} ms, ${ending.error.code}: ${ending.error.message}`;
}

/** What stands on a dead letter: step and message, attempts and since when. */
export function describeFailure({ error, attempts, firstSeenAt, desired }: DeviceRecord): string {
  const step = error?.step ? `step ${error.step}: ` : '';
  return (
    `${step}${error?.message ?? 'no error is recorded'} ` +
    `(attempts that failed: ${attempts}; requested ${iso(desired.requestedAt)}, first seen ${iso(firstSeenAt)})`
  );
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
