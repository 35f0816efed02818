import * as z from 'zod';
import { deviceView, viewOf } from '../../device/view.js';
import { type Acceptance, accept, whyConflict } from '../../provisioning/accept.js';
import { expectedAt } from '../../provisioning/expectedAt.js';
import { serviceName, uuid } from '../../shared/schemas.js';
import { iso } from '../../shared/time.js';
import { parse, RequestError } from '../shared/request.js';
import { answeredWithError, openAudit, withAudit } from './audit.js';
import type { OperatorDependencies } from './dependencies.js';

export const deviceRequest = z.strictObject({
  operation: z.enum(['provision', 'deprovision']),
  uuid,
  service: serviceName
    .optional()
    .describe('provision: the service for the variables; default: DEFAULT_SERVICE'),
  by: z.string().min(1).max(100).optional().describe('the operator who requests, for the audit'),
});

export type DeviceRequestBody = z.input<typeof deviceRequest>;

export const deviceRequestAnswer = z
  .object({
    outcome: z
      .enum(['accepted', 'checking', 'already-provisioned'])
      .describe(
        'accepted: the request is pending; checking: the device is provisioned, and a worker looks whether its variables are still there',
      ),
    device: deviceView,
  })
  .meta({ id: 'DeviceRequestAnswer' });

export type DeviceRequestAnswer = z.infer<typeof deviceRequestAnswer>;

type RequestDependencies = Pick<
  OperatorDependencies,
  'records' | 'queue' | 'clock' | 'sentRecently' | 'rateLimiter' | 'config' | 'actions'
>;

/**
 * Requests or removes the credentials of a device, as the CLI does: by the same acceptance as a device's own request. The audit has a row for the
 * request, with the operator and the answer.
 *
 * @throws RequestError `ops.bad-request`; `ops.service-conflict`, `ops.failed-before` (409)
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the request may be accepted all the same
 */
export async function requestDevice(
  deps: RequestDependencies,
  body: DeviceRequestBody,
): Promise<DeviceRequestAnswer> {
  const { operation, uuid: device, service = deps.config.defaultService, by } = parse(deviceRequest, body);
  if (operation === 'deprovision' && body.service !== undefined)
    throw new RequestError(
      'ops.bad-request',
      'A deprovisioning has no service: every variable of ours is removed.',
    );
  const acceptance = await acceptAudited(deps, { operation, uuid: device, service, by });
  if (isRejected(acceptance)) throw rejected(acceptance);
  const { kind, record } = acceptance;
  return {
    outcome: kind,
    device: viewOf(record, await expectedAt(deps, record), deps.clock.now()),
  };
}

/** An acceptance that needs the cause to be fixed, or a later time. */
type Rejected = Extract<Acceptance, { kind: 'service-conflict' | 'failed' }>;
/** The acceptances of a request of an operator, who requests no own key. */
type OperatorsAcceptance = Exclude<Acceptance, { kind: 'revoked' | 'unproved' | 'too-many-keys' }>;

const isRejected = (acceptance: OperatorsAcceptance): acceptance is Rejected =>
  acceptance.kind === 'service-conflict' || acceptance.kind === 'failed';

/**
 * Requests or removes the credentials of a device for an operator, and writes a row of the audit with the operator and the answer.
 *
 * @param service ignored for a deprovisioning
 * @returns the acceptance, which may be a rejection
 * @throws ProvisioningError `records-unavailable`, `queue-unavailable`: the request may be accepted all the same
 */
export async function acceptAudited(
  deps: Omit<RequestDependencies, 'config'>,
  {
    operation,
    uuid: device,
    service,
    by,
  }: Required<Omit<DeviceRequestBody, 'by'>> & { by: string | undefined },
): Promise<OperatorsAcceptance> {
  const isProvision = operation === 'provision';
  const audit = await openAudit(deps, {
    ...{ kind: operation, by, filter: { uuid: device }, devices: 1 },
    service: isProvision ? service : null,
  });
  const request = async () => {
    const acceptance = await accept(
      deps,
      isProvision ? { uuid: device, present: true, service } : { uuid: device, present: false },
    );
    const { kind } = acceptance;
    if (kind === 'revoked' || kind === 'unproved' || kind === 'too-many-keys')
      throw new Error('unreachable: an operator requests no own key');
    return acceptance;
  };
  return withAudit(deps, audit, request, (acceptance) =>
    isRejected(acceptance) ? answeredWithError(rejected(acceptance)) : { answer: acceptance.kind },
  );
}

function rejected(acceptance: Rejected): RequestError {
  const { record, retryAt } = acceptance;
  if (acceptance.kind === 'service-conflict')
    return new RequestError(
      'ops.service-conflict',
      `${whyConflict(record)} Repeat the request after ${iso(retryAt)}.`,
      409,
    );
  return new RequestError(
    'ops.failed-before',
    `The last request failed: ${record.error?.message ?? 'the reason is unknown.'} The same request is possible after ${iso(retryAt)}. After the cause is fixed, replay the request.`,
    409,
  );
}
