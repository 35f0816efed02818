import type { DeviceRecord } from '../../../src/device/record.js';
import type { System } from './createSystem.js';
import type { Process } from './createWorld.js';
import { throttledForMs } from './fateOutside.js';

/** The base64 of a private key's first line. */
const privateKey = Buffer.from('-----BEGIN PRIVATE KEY').toString('base64').slice(0, 28);

/** The invariants between a record and the next version, for every writer. */
export function watchRecord(
  system: System,
  before: DeviceRecord | null,
  after: DeviceRecord,
  { name }: Process,
): void {
  const { world, cloud, atWork, done, scenario, rule } = system;
  const { uuid, job, lease, error } = after;
  const device = cloud.device(uuid);
  const violated = (what: string) => world.violated(uuid, what);
  world.note(uuid, name, 'writes', summary(after));
  const { firstWrittenAt } = system.callersOf(uuid);
  const { requestId } = after.desired;
  if (!firstWrittenAt.has(requestId)) firstWrittenAt.set(requestId, world.now);

  if (lease && lease.by !== before?.lease?.by) atWork.set(uuid, after.desired);
  if (before?.job?.kind === 'change' && job?.kind !== 'change' && !error) done.add(after.desired.requestId);
  if (JSON.stringify(after).includes(privateKey)) violated('a private key in a record');
  if (error?.message.startsWith('An unexpected error')) violated(`an error of our own: ${error.message}`);
  if (!before) return;

  if (after.lastGeneration < before.lastGeneration) violated('lastN fell');
  if (after.replays > before.replays) {
    device.byHand -= 1;
    if (device.byHand < 0) violated('replayed without anyone asking');
  }
  const tookOver =
    before.lease !== null &&
    !before.lease.unresolved &&
    lease?.by !== before.lease.by &&
    before.lease.until <= world.now + scenario.skewMs;
  const isUnseen = error?.code === 'device-not-visible';
  const failedItself =
    isUnseen ||
    (error !== null && ['timed-out', 'unexpected', 'balena-conflict', 'hub-conflict'].includes(error.code));
  if (after.attempts > before.attempts && !tookOver && !failedItself)
    violated(`an attempt was counted for ${error?.code ?? 'nothing'}`);
  const throttled = error?.code.endsWith('-throttled') && error.at !== before.error?.at ? error : null;
  if (throttled && job && !job.dead && job.due < throttled.at + throttledForMs)
    violated('it comes again before the other side allows');
  if (job?.dead && !before.job?.dead) {
    const tooMany = after.attempts >= (rule.settings?.maxAttempts ?? scenario.maxAttempts);
    const named =
      job.dead.cancelled ||
      (error?.code === 'service-not-found' && after.desired.service === 'x') ||
      (error?.code === 'device-not-found' && (device.gone || device.hidden)) ||
      (error?.code === 'balena-rejected' && device.gone) ||
      (error?.code === 'hub-device-disabled' && device.tampered) ||
      (error?.code === `${scenario.sick?.dependency}-rejected` && scenario.sick?.how === 'rejected') ||
      (error !== null &&
        [
          'worker-died',
          'timed-out',
          'unexpected',
          'balena-conflict',
          'hub-conflict',
          'device-not-visible',
        ].includes(error.code) &&
        tooMany);
    if (!named) violated(`given up without a reason: ${error?.code}`);
  }
}

function summary({ desired, job, lease, observed, scopes, attempts, error }: DeviceRecord): string {
  const short = (text: string | null | undefined) => (text ? text.slice(0, 6) : text);
  const { thumbprint, previous, hub, service } = observed;
  return JSON.stringify({
    desired: { ...desired, requestId: desired.requestId.slice(-4), retire: short(desired.retire) },
    job,
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
