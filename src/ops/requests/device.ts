import * as z from 'zod';
import { deviceView, viewOf } from '../../device/view.js';
import { type Acceptance, accept, whyConflict } from '../../provisioning/accept.js';
import { expectedAt } from '../../provisioning/expectedAt.js';
import { serviceName, uuid } from '../../shared/schemas.js';
import { type EpochMs, iso } from '../../shared/time.js';
import { parse, RequestError } from '../shared/request.js';
import { openAudit, withAudit } from './audit.js';
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
  const isProvision = operation === 'provision';
  const audit = await openAudit(deps, {
    ...{ kind: operation, by, filter: { uuid: device }, devices: 1 },
    service: isProvision ? service : null,
  });
  return withAudit(
    deps,
    audit,
    () =>
      acceptRequest(
        deps,
        isProvision ? { uuid: device, present: true, service } : { uuid: device, present: false },
      ),
    ({ outcome }) => ({ answer: outcome }),
  );
}

async function acceptRequest(
  deps: RequestDependencies,
  request: Parameters<typeof accept>[1],
): Promise<DeviceRequestAnswer> {
  const acceptance = await accept(deps, request);
  const { kind, record } = acceptance;
  if (kind === 'service-conflict' || kind === 'failed') throw rejected(acceptance);
  if (kind === 'revoked' || kind === 'unproved' || kind === 'too-many-keys')
    throw new Error('unreachable: an operator requests no own key');
  return { outcome: kind, device: viewOf(record, await expectedAt(deps, record), deps.clock.now()) };
}

function rejected(acceptance: Extract<Acceptance, { retryAt: EpochMs }>): RequestError {
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
