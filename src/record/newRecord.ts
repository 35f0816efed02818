import type { Desired, DeviceRecord } from './DeviceRecord.js';

/**
 * A record made anew. `lastN` starts at the Unix time in seconds, so that a record that was lost cannot meet its own past.
 *
 * @param now Unix ms
 */
export function newRecord(uuid: string, desired: Desired, now: number): DeviceRecord {
  const lastN = Math.floor(now / 1000);
  return {
    uuid,
    desired,
    ticket: null,
    lease: null,
    observed: {
      thumbprint: null,
      previous: null,
      service: null,
      hub: 'unknown',
      fleet: null,
      notBefore: null,
      notAfter: null,
      keyAlgorithm: null,
      verifiedAt: 0,
    },
    places: [],
    attempts: 0,
    retries: 0,
    failures: 0,
    replays: 0,
    error: null,
    action: null,
    completedAt: null,
    story: [],
    coolUntil: 0,
    firstSeenAt: now,
    firstN: lastN,
    lastN,
    updatedAt: now,
    stamp: '',
  };
}
