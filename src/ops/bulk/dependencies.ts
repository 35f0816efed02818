import type { ServiceDependencies } from '../../fleet/services.js';
import type { AcceptDependencies } from '../../provisioning/accept.js';
import type { DiscardedDeadLetters } from '../../queue/deadLetters.js';
import type { DeadLetterSnapshots } from '../deadLetters/snapshot.js';
import type { DeviceSnapshots } from '../devices/snapshot.js';
import type { Actions } from './repository.js';

/** The dependencies of bulk actions. */
export interface BulkDependencies extends AcceptDependencies {
  /** The hub's limit of registry operations a minute. */
  operationsPerMinute: number;
  deadLetterSnapshots: DeadLetterSnapshots;
  deviceSnapshots: DeviceSnapshots;
  discarded: DiscardedDeadLetters;
  actions: Actions;
  /** Only the plan of a replay with another service needs balena. */
  balena?: ServiceDependencies['balena'];
}
