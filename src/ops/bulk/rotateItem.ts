import { isPending } from '../../device/state.js';
import { rotate } from '../../fleet/rotate.js';
import { publishOrMarkUnsent } from '../../queue/publish.js';
import type { EpochMs } from '../../shared/time.js';
import type { Item, StoredAction } from './action.js';
import type { BulkDependencies } from './dependencies.js';

/**
 * Requests the rotation of a device's certificate. A second call for the same item only sends the job's message again.
 *
 * @param due the earliest start of the work
 * @returns false if the device does not use the certificate any more, or its last request failed for good
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the rotation may be requested all the same
 */
export async function rotateItem(
  deps: BulkDependencies,
  { id, revoke }: StoredAction,
  { uuid, thumbprint }: Item,
  due: EpochMs,
): Promise<boolean> {
  if (uuid === null || thumbprint === undefined) return false;
  const found = await deps.records.read(uuid);
  if (found?.value.action?.id === id) {
    // An earlier call requested the rotation. The process of that call may have died before sending the message.
    if (isPending(found.value.job)) await publishOrMarkUnsent(deps, found.value);
    return true;
  }
  const { kind } = await rotate(deps, uuid, { revoke, thumbprint, due, action: id });
  return kind === 'accepted';
}
