import type { Attributes } from '@opentelemetry/api';
import type { ProvisioningMessage } from '../message/ProvisioningMessage.js';
import { send } from '../message/send.js';
import { sendCopy } from '../message/sendCopy.js';
import { ProvisioningError } from '../ProvisioningError.js';
import { reconcile } from '../reconcile.js';
import type { DeviceRecord } from '../record/DeviceRecord.js';
import { know, withFacts } from '../telemetry/facts.js';
import { inSpan } from '../telemetry/inSpan.js';
import { parentOfDelivery } from '../telemetry/traceparent.js';
import { admit } from './admit.js';
import type { Delivery } from './Delivery.js';
import { describeFailure } from './describeFailure.js';
import type { Ending } from './finish.js';
import { finish } from './finish.js';
import { type Run, SlotIsFar } from './Run.js';
import type { Tools } from './Tools.js';

const beforeThrowingMs = 5_000;

/**
 * Works on one message: a nudge to look at a device (docs/protocol.md, Worker). Returning completes the message. It throws only
 * where neither the records nor the queue can take what is to be remembered: never to wait, for throwing is redelivery at once.
 */
export function workOn(tools: Tools, message: ProvisioningMessage, delivery: Delivery): Promise<void> {
  const { uuid, requestId, n } = message;
  const { parent, links } = parentOfDelivery(message.traceparent);
  const attributes = { uuid, requestId, n, sequenceNumber: delivery.sequenceNumber };
  const work = () => withFacts({ uuid, requestId }, () => takeUp(tools, message, delivery));
  return inSpan('delivery', { attributes, links }, work, parent);
}

async function takeUp(tools: Tools, message: ProvisioningMessage, delivery: Delivery): Promise<void> {
  try {
    await attempt(tools, message, delivery);
  } catch (error) {
    const { code } = ProvisioningError.from(error);
    if (code !== 'records-unavailable' && code !== 'queue-unavailable') throw error;
    const { clock, queue, random } = tools;
    delivery.log(`${message.uuid}: put off, ${code}`);
    const later = clock.now() + Math.round(5_000 + random() * 10_000);
    try {
      await sendCopy(queue, message, delivery.sequenceNumber, later);
    } catch (unsent) {
      // A queue that is full delivers and takes nothing: without a pause its ten deliveries would be spent within moments.
      await clock.sleep(beforeThrowingMs);
      throw unsent;
    }
  }
}

async function attempt(tools: Tools, message: ProvisioningMessage, delivery: Delivery): Promise<void> {
  const admission = await admit(tools, message, delivery);
  know({ outcome: admission.kind });
  if (admission.kind === 'put-off') return;
  if (admission.kind === 'dead') return giveUp(admission.record, delivery);

  const { run } = admission;
  const started = tools.clock.now();
  const ending = await end(run);
  run.over(ending.kind === 'failed' ? ending.error : undefined);
  const record = await finish(tools, message, run, ending);
  const ms = tools.clock.now() - started;
  know({ ...factsOf(ending), ms });
  delivery.log(describe(run, ending, ms));
  if (!record) return;
  await send(tools, record);
  const { ticket, desired } = record;
  if (ticket?.dead && ticket.n === message.n && desired.requestId === message.requestId)
    await giveUp(record, delivery);
}

async function end(run: Run): Promise<Ending> {
  try {
    await reconcile(run);
    return { kind: 'done' };
  } catch (error) {
    if (error instanceof SlotIsFar) return { kind: 'slot-is-far', slot: error.slot };
    return { kind: 'failed', error: ProvisioningError.from(error) };
  }
}

function factsOf(ending: Ending): Attributes {
  if (ending.kind !== 'failed') return { outcome: ending.kind };
  const { code, step } = ending.error;
  return { outcome: ending.kind, code, ...(step !== undefined && { step }) };
}

function giveUp(record: DeviceRecord, delivery: Delivery): Promise<void> {
  delivery.log(`${record.uuid}: dead-lettered, ${record.error?.code}`);
  return delivery.deadLetter(record.error?.code ?? 'unexpected', describeFailure(record));
}

function describe({ uuid, desired }: Run, ending: Ending, ms: number): string {
  if (ending.kind === 'done')
    return `${uuid}: ${desired.present ? 'provisioned' : 'deprovisioned'} in ${ms} ms`;
  if (ending.kind === 'slot-is-far') return `${uuid}: waits for its registry slot`;
  return `${uuid}: ${ending.error.step ?? 'work'} failed after ${ms} ms, ${ending.error.code}: ${ending.error.message}`;
}
