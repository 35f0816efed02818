import type { VariableScope } from '../../device/record.js';
import { describeMissing, findService } from '../../fleet/services.js';
import { RequestError } from '../shared/request.js';
import type { ChosenSet } from './choose.js';
import type { BulkDependencies } from './dependencies.js';

/** The most fleets that a note names. */
const mostNamed = 5;

/**
 * Checks with balena whether the fleets of a plan have a service. The worker checks a device whose fleet is not known yet.
 *
 * @returns the number of the planned devices without the service, and a sentence about fleets without the service; null if all have it
 * @throws RequestError `ops.no-such-service` if all fleets are known, and none has the service
 * @throws ProvisioningError `balena-…`, `timed-out`
 */
export async function checkService(
  { balena, clock }: Pick<BulkDependencies, 'balena' | 'clock'>,
  service: VariableScope,
  { items }: ChosenSet,
): Promise<{ lacking: number; note: string | null }> {
  if (!balena) throw new Error('unreachable: a plan with a service was made without balena');
  const devices = new Map<string | null, Set<string>>();
  for (const { item, fleet } of items)
    if (item.uuid !== null) devices.set(fleet, (devices.get(fleet) ?? new Set()).add(item.uuid));
  let lacking = 0;
  const missing: string[] = [];
  for (const [fleet, uuids] of devices) {
    if (fleet === null) continue;
    const found = await findService({ balena, clock }, { service, fleet }, uuids);
    lacking += found.lacking;
    if (!found.exists) missing.push(describeMissing(service, fleet, found));
  }
  const more = missing.length - mostNamed;
  const note = [
    ...missing.slice(0, mostNamed),
    ...(more > 0 ? [`${more} further fleets lack the service.`] : []),
  ].join(' ');
  if (missing.length > 0 && missing.length === devices.size)
    throw new RequestError('ops.no-such-service', note);
  return { lacking, note: note || null };
}
