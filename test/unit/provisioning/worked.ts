import type { DeviceRecord } from '../../../src/device/record.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import type { ProvisioningMessage } from '../../../src/queue/messages.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, uuid } from '../../support/records.js';
import { workerDependencies } from '../../support/workerTools.js';

export const minutes = 60_000;
export const message = { uuid, generation: 1 };

/** A worker gets a message for this record. */
export async function worked(
  record: DeviceRecord | null,
  {
    prepare = () => {},
    more = {},
    enqueuedAt = now,
  }: {
    prepare?: (system: ReturnType<typeof workerDependencies>) => void;
    more?: Partial<ProvisioningMessage>;
    enqueuedAt?: number;
  } = {},
) {
  const system = workerDependencies(now);
  if (record) await system.put(record);
  prepare(system);
  const thrown = await processMessage(
    system.deps,
    system.message({ ...message, ...more }),
    system.delivery({ enqueuedAt }),
  ).catch((error: unknown) => error);
  return { ...system, thrown, after: await system.record(uuid).catch(() => null) };
}

export const unavailable = (options = {}) => new ProvisioningError('hub-unavailable', 'Away.', options);
