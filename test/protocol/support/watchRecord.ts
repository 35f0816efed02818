import type { Desired, DeviceRecord, RecordedError, RequestPart } from '../../../src/device/record.js';
import { isRevokedOwn } from '../../../src/device/state.js';
import type { CloudDevice } from './createCloud.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';
import { throttledForMs } from './fateOutside.js';
import { noteLease, noteSigned } from './watchOwnKey.js';

/** The base64 of a private key's first line. */
const privateKey = Buffer.from('-----BEGIN PRIVATE KEY').toString('base64').slice(0, 28);

/** The errors that count as an attempt of the device without a ping. */
const ownFailures = [
  'timed-out',
  'unexpected',
  'balena-conflict',
  'balena-write-refused',
  'hub-conflict',
  'device-not-visible',
];

/** The invariants between a record and the next version, for every writer. */
export function watchRecord(
  system: System,
  before: DeviceRecord | null,
  after: DeviceRecord,
  { name }: Process,
): void {
  const { world, cloud, atWork, done, scenario, answeredPings } = system;
  const { uuid, job, lease, error } = after;
  const device = cloud.device(uuid);
  const violated = (what: string) => world.violated(uuid, what);
  if (world.traces) world.note(uuid, name, 'writes', summary(after));
  const { firstWrittenAt } = system.callersOf(uuid);
  const { requestId } = after.desired;
  if (!firstWrittenAt.has(requestId)) firstWrittenAt.set(requestId, world.now);

  noteSigned(system, after);
  if (lease && lease.by !== before?.lease?.by) {
    noteLease(system, name, after);
    atWork.set(uuid, after.desired);
    device.hubChanging = false;
  }
  const isSameRequest = before?.desired.requestId === after.desired.requestId;
  if (before?.job && !job && !error && isSameRequest) done.set(after.desired.requestId, world.now);
  if (JSON.stringify(after).includes(privateKey)) violated('a private key in a record');
  if (error?.message.startsWith('An unexpected error')) violated(`an error of our own: ${error.message}`);
  if (!before) {
    device.lostDuringRun = null;
    return;
  }

  if (after.lastGeneration < before.lastGeneration) violated('lastN fell');
  // A refused request that comes back has its own attempts and replays.
  const isOther = after.desired.requestId === before.refusal?.desired.requestId;
  if (after.replays > before.replays && !isOther) {
    device.byHand -= 1;
    if (device.byHand < 0) violated('replayed without anyone asking');
  }
  const tookOver =
    before.lease !== null &&
    !before.lease.unresolved &&
    lease?.by !== before.lease.by &&
    before.lease.until <= world.now + scenario.skewMs;
  const isReleased = isReleasedBy(name, before, after) && !device.recordLost && !tookOver;
  if (isReleased && becameUnknown(before, after) && !device.hubChanging)
    violated('the state of the hub became unknown without a call to the hub');
  const failedItself =
    error !== null && (isUnavailable(error) ? answeredPings.has(uuid) : ownFailures.includes(error.code));
  if (after.attempts !== before.attempts) answeredPings.delete(uuid);
  // A dead request keeps its own error while a check fails.
  const ofCheck = before.job?.dead !== undefined;
  if (after.attempts > before.attempts && !tookOver && !failedItself && !ofCheck && !isOther)
    violated(`an attempt was counted for ${error?.code ?? 'nothing'}`);
  if (isReservedUnseen(before, after)) violated('an operation was reserved before the look-up');
  // A run that another worker's wait has refused comes after the rest of that wait.
  const isNew = error?.code.endsWith('-throttled') && error.at !== before.error?.at;
  const throttled = isNew && error?.message.endsWith('(fake)') ? error : null;
  if (throttled && job && !job.dead && job.due < throttled.at + throttledForMs)
    violated('it comes again before the other side allows');
  const isNewRefusal =
    after.refusal !== null && after.refusal.job?.generation !== before.refusal?.job?.generation;
  const ended = isNewRefusal ? after.refusal : job?.dead && !before.job?.dead ? after : null;
  if (ended) system.callersOf(uuid).gaveUp.set(ended.desired.requestId, world.now);
  if (ended) givenUp(system, device, ended);
}

/** A request for a device that balena has not shown has no reservation. A deprovisioning needs no look-up. */
function isReservedUnseen({ job: before }: DeviceRecord, { job, desired, observed }: DeviceRecord): boolean {
  if (!job || job.reservation === undefined || job.reservation === before?.reservation) return false;
  return desired.present && !desired.validated && observed.fleet === null;
}

function isUnavailable({ code }: RecordedError): boolean {
  return code === 'balena-unavailable' || code === 'hub-unavailable';
}

/** Half a minute is shorter than the quick tries for a device or services that balena does not have yet. */
const shortMs = 30_000;

function isTooLate({ late }: CloudDevice, { requestedAt, announced }: Desired): boolean {
  if (late === null) return false;
  // A caller can invent UUIDs, so an unknown device of a caller is looked up once.
  const isLookedUpOnce = late.what === 'device' && !announced;
  return isLookedUpOnce || late.until - requestedAt > shortMs;
}

/** A request ends for good only with a cause in the world. */
function givenUp(
  { scenario, rule, world }: System,
  device: CloudDevice,
  { job, error, attempts, desired }: RequestPart,
): void {
  if (job?.dead) {
    const tooMany = attempts >= (rule.settings?.maxAttempts ?? scenario.maxAttempts);
    const named =
      job.dead.cancelled ||
      (error?.code === 'service-not-found' && desired.service === 'x') ||
      (error?.code === 'device-not-found' && (device.gone || device.hidden)) ||
      ((error?.code === 'device-not-found' || error?.code === 'service-not-found') &&
        isTooLate(device, desired)) ||
      (error?.code === 'balena-rejected' && device.gone) ||
      (error?.code === 'hub-device-disabled' && device.tampered) ||
      (error?.code === 'certificate-revoked' && desired.own && isRevokedOwn(desired, desired.own)) ||
      (error?.code === `${scenario.sick?.dependency}-rejected` && scenario.sick?.how === 'rejected') ||
      (error !== null &&
        (isUnavailable(error) || ['worker-died', ...ownFailures].includes(error.code)) &&
        tooMany);
    if (!named) world.violated(device.uuid, `given up without a reason: ${error?.code}`);
  }
}

/** Has the run of this process ended under its own lease? */
function isReleasedBy(name: string, { lease }: DeviceRecord, after: DeviceRecord): boolean {
  const wasOwn = lease?.by.startsWith(`${name}/`) === true && !lease.unresolved;
  return wasOwn && (after.lease === null || after.lease.unresolved === true);
}

function becameUnknown(before: DeviceRecord, after: DeviceRecord): boolean {
  return after.observed.hub === 'unknown' && before.observed.hub !== 'unknown';
}

function summary({ desired, job, check, lease, observed, scopes, attempts, error }: DeviceRecord): string {
  const short = (text: string | null | undefined) => (text ? text.slice(0, 6) : text);
  const { thumbprint, previous, hub, service } = observed;
  return JSON.stringify({
    desired: {
      ...desired,
      requestId: desired.requestId.slice(-4),
      retire: desired.retire?.map(short),
      revoke: desired.revoke?.map(short),
    },
    job,
    check,
    lease: lease && { ...lease, by: lease.by.slice(0, 8) },
    observed: {
      thumbprint: short(thumbprint),
      previous: short(previous),
      hub: Array.isArray(hub) ? hub.map(short) : hub,
      service,
    },
    scopes,
    attempts,
    error: error?.code,
  });
}
