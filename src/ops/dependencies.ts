import type { Config } from '../config/config.js';
import type { HealthDependencies } from '../health/health.js';
import type { AcceptDependencies } from '../provisioning/accept.js';
import { openQueueManagement, type QueueManagement } from '../queue/administration.js';
import {
  type DiscardedDeadLetter,
  type DiscardedDeadLetters,
  openDiscardedDeadLetters,
} from '../queue/deadLetters.js';
import { openTable } from '../storage/table.js';
import type { RateLimiter } from '../throttling/rateLimiter.js';
import { type Actions, openActions } from './bulk/repository.js';
import { type DeadLetterSnapshots, openDeadLetterSnapshots } from './deadLetters/snapshot.js';
import { type DeviceSnapshots, openDeviceSnapshots } from './devices/snapshot.js';
import { openSamples, type Samples, type StoredSample } from './overview/samples.js';

/** What ops work with. */
export interface OpsDependencies extends AcceptDependencies, HealthDependencies {
  rateLimiter: RateLimiter;
  /** The hub's limit of registry operations. */
  operationsPerMinute: number;
  management: QueueManagement;
  recordBook: DeviceSnapshots;
  deadLetterBook: DeadLetterSnapshots;
  discarded: DiscardedDeadLetters;
  actions: Actions;
  samples: Samples;
}

/** What ops work with, beside what all others do. */
export function openOps(
  config: Pick<Config, 'records' | 'queue' | 'operationsPerMinute'>,
  deps: AcceptDependencies & HealthDependencies & { rateLimiter: RateLimiter },
): OpsDependencies {
  const table = <T>() => openTable<T>({ ...config.records, name: 'ops' });
  return {
    ...deps,
    operationsPerMinute: config.operationsPerMinute,
    management: openQueueManagement(config.queue),
    recordBook: openDeviceSnapshots(deps),
    deadLetterBook: openDeadLetterSnapshots(deps),
    discarded: openDiscardedDeadLetters(table<DiscardedDeadLetter>()),
    actions: openActions(table<unknown>()),
    samples: openSamples(table<StoredSample>()),
  };
}
