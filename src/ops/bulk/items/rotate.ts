import { isPending } from '../../../device/state.js';
import { rotate } from '../../../fleet/rotate.js';
import { publishOrMarkUnsent } from '../../../queue/publish.js';
import type { OpsDependencies } from '../../dependencies.js';
import type { Item, StoredAction } from '../action.js';

/**
 * Has a device's certificate replaced. Done twice, the second time only sends its message again.
 *
 * @param due its turn, Unix ms
 * @returns false if the certificate is not in use any more, or the device waits for ops
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: it may have been asked for
 */
export async function rotateItem(
  deps: OpsDependencies,
  { id, revoke }: StoredAction,
  { uuid, thumbprint }: Item,
  due: number,
): Promise<boolean> {
  if (uuid === null || thumbprint === undefined) return false;
  const found = await deps.records.read(uuid);
  if (found?.value.action?.id === id) {
    // Asked for already, by a process that may have died before it sent the message.
    if (isPending(found.value.job)) await publishOrMarkUnsent(deps, found.value);
    return true;
  }
  const { kind } = await rotate(deps, uuid, { revoke, thumbprint, due, action: id });
  return kind === 'accepted';
}
