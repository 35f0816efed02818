import * as z from 'zod';
import { planFleet, requestFleet } from '../../fleet/request.js';
import { describeMissing, findService } from '../../fleet/services.js';
import { ProvisioningError } from '../../shared/errors.js';
import { count, serviceName, slug } from '../../shared/schemas.js';
import { type StoredAction, unnamedOperator } from '../bulk/action.js';
import { listed } from '../shared/knownNames.js';
import { parse, RequestError } from '../shared/request.js';
import { type Answered, openAudit, withAudit } from './audit.js';
import type { OperatorDependencies } from './dependencies.js';

const fleetFields = {
  fleet: slug.regex(/^[^/\s]+\/[^/\s]+$/, 'must be the slug of a fleet, such as my_org/my_fleet'),
  service: serviceName.optional().describe('the service for the variables; default: DEFAULT_SERVICE'),
  onlyMissing: z.boolean().default(false).describe('skip devices with credentials'),
  move: z.boolean().default(false).describe('also move devices with another desired service to this service'),
};

export const fleetPlanRequest = z.strictObject(fleetFields);

export const fleetRequest = z.strictObject({
  ...fleetFields,
  after: z
    .string()
    .regex(/^[0-9a-f]{0,62}$/, 'must be "next" of the previous answer')
    .optional()
    .describe('"next" of the previous answer: the request goes on after this device'),
  action: z
    .uuid()
    .optional()
    .describe('"action" of the previous answer: the audit then has one row for all parts'),
  by: z.string().min(1).max(100).optional().describe('the operator who requests, for the audit'),
});

export const fleetPlan = z
  .object({
    fleet: z.string(),
    service: z.string(),
    devices: count.describe('devices that would be requested'),
    atOtherService: count.describe('devices with another desired service, which would stay unchanged'),
    otherServices: z.record(z.string(), count).describe('their services'),
    lacking: count.describe('devices of the fleet without the service in balena'),
  })
  .meta({ id: 'FleetPlan' });

export type FleetPlan = z.infer<typeof fleetPlan>;

export const fleetProgressAnswer = z
  .object({
    devices: count.describe('devices of this part of the fleet; each is in one of the counts below'),
    requested: count,
    underWay: count.describe('an earlier request is under way'),
    alreadyProvisioned: count,
    skipped: count.describe('skipped because of onlyMissing'),
    atOtherService: count.describe('unchanged, because another service is desired'),
    failed: count.describe('an earlier request failed for good, and its cool-down has not ended'),
    conflicts: count.describe('moved to another service less than ten minutes ago'),
    action: z.string().describe('the row of the audit; send the id with the next part'),
    next: z.string().nullable().describe('send as "after" for the next part; null if the fleet is done'),
  })
  .meta({ id: 'FleetRequestProgress' });

export type FleetRequestProgress = z.infer<typeof fleetProgressAnswer>;

/** A part takes some seconds: an answer must come long before the platform ends the request (230 s). */
const devicesInPart = 200;
const longestPlanMs = 20_000;
const freshMs = 2_000;

/**
 * Counts the devices of a fleet that `requestFleetPart` would request. Nothing is changed.
 *
 * @throws RequestError `ops.bad-request`, `ops.no-such-service`; `ops.unknown-fleet` (404); `ops.fleet-too-large` (409)
 * @throws ProvisioningError `balena-…`, `records-unavailable`
 */
export async function planFleetRequest(deps: OperatorDependencies, body: object): Promise<FleetPlan> {
  const { service = deps.config.defaultService, ...options } = parse(fleetPlanRequest, body);
  const { fleet } = options;
  const signal = AbortSignal.timeout(longestPlanMs);
  const counts = { devices: 0, atOtherService: 0, lacking: 0 };
  const plan: FleetPlan = { fleet, service, ...counts, otherServices: {} };
  await knownFleet(deps, options.fleet, async () => {
    try {
      plan.lacking = await countLacking(deps, { fleet, service }, signal);
      for await (const { otherService } of planFleet(deps, { ...options, service, signal }))
        addPlanned(plan, otherService);
    } catch (error) {
      if (!signal.aborted) throw error;
      throw new RequestError(
        'ops.fleet-too-large',
        `The devices of ${options.fleet} cannot be counted within ${longestPlanMs / 1_000} s. Use the CLI: provisioner fleet ${options.fleet} --dry-run`,
        409,
      );
    }
  });
  return plan;
}

/** @throws RequestError `ops.no-such-service` if the fleet has no such service */
async function countLacking(
  deps: OperatorDependencies,
  place: { fleet: string; service: string },
  signal: AbortSignal,
): Promise<number> {
  const found = await findService(deps, place, null, signal);
  // The listing of the devices says that the key does not see the fleet.
  if (found.exists || found.services === null) return found.lacking;
  throw new RequestError('ops.no-such-service', describeMissing(place.service, place.fleet, found));
}

function addPlanned(plan: FleetPlan, otherService: string | null): void {
  if (otherService === null) {
    plan.devices += 1;
    return;
  }
  plan.atOtherService += 1;
  plan.otherServices[otherService] = (plan.otherServices[otherService] ?? 0) + 1;
}

/**
 * Requests credentials for the next part of a fleet, by the same rules as the CLI. The caller sends the request again with "next" until
 * the fleet is done. A part that is requested twice changes nothing the second time. The audit has one row for all parts, with the operator and the
 * counts.
 *
 * @throws RequestError `ops.bad-request`; `ops.unknown-fleet` (404)
 * @throws ProvisioningError `balena-…`, `records-unavailable`, `queue-unavailable`
 */
export async function requestFleetPart(
  deps: OperatorDependencies,
  body: object,
): Promise<FleetRequestProgress> {
  const { service = deps.config.defaultService, by, action: given, ...options } = parse(fleetRequest, body);
  const { fleet } = options;
  const action =
    given !== undefined && (await isRowOf(deps, given, { fleet, by }))
      ? given
      : await openAudit(deps, { kind: 'fleet', by, filter: { fleet }, service, devices: 0 });
  return withAudit(
    deps,
    action,
    async () => {
      const {
        uuids: _,
        finished: __,
        ...progress
      } = await knownFleet(deps, fleet, () =>
        requestFleet(deps, { ...options, service, atMost: devicesInPart }),
      );
      return { ...progress, action };
    },
    answeredByPart,
  );
}

/** Whether a row of the audit is about the fleet and the operator. A row of another request must not change. */
async function isRowOf(
  { actions }: OperatorDependencies,
  id: string,
  { fleet, by = unnamedOperator }: { fleet: string; by: string | undefined },
): Promise<boolean> {
  const row = (await actions.read(id))?.value;
  return row?.kind === 'fleet' && row.filter.fleet === fleet && row.by === by;
}

/** Adds a part of a fleet to the row of the audit. @param next null at the end of the fleet */
export function answeredByPart(
  { devices, requested, next }: Pick<FleetRequestProgress, 'devices' | 'requested' | 'next'>,
  { planned, byFleet, filter: { fleet = 'unknown' } }: StoredAction,
): Answered {
  const devicesSoFar = planned + devices;
  const requestedSoFar = (byFleet[fleet] ?? 0) + requested;
  return {
    planned: devicesSoFar,
    byFleet: { [fleet]: requestedSoFar },
    answer: `requested ${requestedSoFar} of ${next === null ? '' : 'the first '}${devicesSoFar}`,
    note: next === null ? null : 'The rest of the fleet was not requested.',
  };
}

/** A fleet that balena does not show is a mistake in the request. */
export async function knownFleet<T>(
  { deviceSnapshots }: Pick<OperatorDependencies, 'deviceSnapshots'>,
  fleet: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, message } = ProvisioningError.from(error);
    if (error instanceof ProvisioningError && code === 'balena-unauthorized' && message.includes(fleet))
      throw new RequestError(
        'ops.unknown-fleet',
        `${message} ${await knownFleets(deviceSnapshots)}`.trim(),
        404,
      );
    throw error;
  }
}

/** The fleets with records, as a sentence; empty if the records do not answer. */
async function knownFleets(snapshots: OperatorDependencies['deviceSnapshots']): Promise<string> {
  const snapshot = await snapshots.read(freshMs).catch(() => null);
  if (!snapshot) return '';
  const fleets = new Set<string>();
  for (const { fleet } of snapshot.devices) if (fleet !== null) fleets.add(fleet);
  return listed('Fleets with records', fleets);
}
