import type { ErrorCode } from '../shared/errors.js';

const busy =
  'Nothing: it is retried by itself. If it failed for good, replay it once the other side answers again.';
const ours =
  'Mend our credentials or the hub; the work waits, and flows when they are right. Replay what has failed for good.';

const advice: Record<ErrorCode, string> = {
  'device-not-found':
    'Is the UUID the full one, and does BALENA_API_KEY see the fleet? If the device is gone for good, discard it.',
  'service-not-found':
    'Set balena_service of the fleet to one of the names in the message, or release the service; then replay.',
  'fleet-not-allowed': 'Add the fleet to FLEETS and replay, or discard it.',
  'hub-rejected': 'The hub will never take this as it is: the message says why. Mend that, then replay.',
  'balena-rejected': 'balena will never take this as it is: the message says why. Mend that, then replay.',
  'balena-throttled': busy,
  'hub-throttled': busy,
  'balena-unavailable': busy,
  'hub-unavailable': busy,
  'records-unavailable': busy,
  'queue-unavailable': busy,
  'timed-out': busy,
  'balena-unauthorized': ours,
  'hub-unauthorized': ours,
  'hub-quota-exceeded': ours,
  unexpected:
    'An error that we do not know: the log has it under this UUID. Replay it; if it comes back, report it.',
  'worker-died':
    'The worker died again and again while it was at this device: look into its log for memory or a crash, then replay.',
  cancelled: 'A person cancelled its replay. Replay it when the cause is mended.',
};

/** What a person can do about a failure. @param code of a failed request, or why a letter was dead-lettered */
export function adviceOn(code: string): string {
  if (code in advice) return advice[code as ErrorCode];
  return 'A letter that this version cannot read, or that the broker gave up. Look at it in the queue; discard it if it is not ours.';
}
