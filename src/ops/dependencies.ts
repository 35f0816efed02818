import { lateAfterMs } from '../certificates/renewal.js';
import type { Config } from '../config/config.js';
import { caLifeOf } from '../health/ca.js';
import { openQueueManagement } from '../queue/administration.js';
import { type DiscardedDeadLetter, openDiscardedDeadLetters } from '../queue/deadLetters.js';
import { openTable } from '../storage/table.js';
import type { BulkDependencies } from './bulk/dependencies.js';
import { openActions } from './bulk/repository.js';
import { openDeadLetterSnapshots } from './deadLetters/snapshot.js';
import { openListedSnapshots } from './devices/listed.js';
import { openDeviceSnapshots } from './devices/snapshot.js';
import type { OverviewDependencies } from './overview/read.js';
import { openSamples, type StoredSample } from './overview/samples.js';

const dayMs = 86_400_000;

/** The dependencies of everything that operators do. */
export interface OpsDependencies extends BulkDependencies, OverviewDependencies {}

/** The dependencies that operators share with the rest of the product. */
export type SharedDependencies = Omit<
  OpsDependencies,
  | 'operationsPerMinute'
  | 'lateCertificateMs'
  | 'caLife'
  | 'management'
  | 'deviceSnapshots'
  | 'listedSnapshots'
  | 'deadLetterSnapshots'
  | 'discarded'
  | 'actions'
  | 'samples'
  | 'isWorkerDisabled'
>;

/** Opens the dependencies that only operators need, and adds the shared dependencies. */
export function openOps(
  config: Pick<
    Config,
    'records' | 'queue' | 'operationsPerMinute' | 'isWorkerDisabled' | 'certificate' | 'renewAt' | 'ca'
  >,
  deps: SharedDependencies,
): OpsDependencies {
  const lateCertificateMs = lateAfterMs(config.certificate.days * dayMs, config.renewAt);
  const table = <T>() => openTable<T>({ ...config.records, name: 'ops' });
  return {
    ...deps,
    caLife: caLifeOf(config),
    operationsPerMinute: config.operationsPerMinute,
    lateCertificateMs,
    isWorkerDisabled: config.isWorkerDisabled,
    management: openQueueManagement(config.queue),
    deviceSnapshots: openDeviceSnapshots(deps),
    listedSnapshots: openListedSnapshots({ ...deps, lateCertificateMs }),
    deadLetterSnapshots: openDeadLetterSnapshots(deps),
    discarded: openDiscardedDeadLetters(table<DiscardedDeadLetter>()),
    actions: openActions(table<unknown>()),
    samples: openSamples(table<StoredSample>()),
  };
}
