import type { DeviceRecord } from '../../src/device/record.js';
import { newRecord } from '../../src/device/transitionParts.js';

export const uuid = 'ab'.repeat(16);
export const now = Date.parse('2030-01-01T00:00:00Z');
export const requestId = '018f0000-0000-7000-8000-000000000000';
const desired = { present: true, service: 'main', requestId, requestedAt: now - 5_000 };

export const recordWith = (more: Partial<DeviceRecord> = {}): DeviceRecord => ({
  ...newRecord(uuid, desired, now),
  ...more,
});

export const queued = recordWith({ job: { generation: 1, due: now } });
export const thumbprint = 'A'.repeat(64);
export const provisioned = recordWith({
  observed: {
    ...queued.observed,
    thumbprint,
    service: 'main',
    hub: [thumbprint, thumbprint],
    notBefore: now - 300_000,
    notAfter: now + 86_400_000,
    keyAlgorithm: 'ec-p256',
  },
  scopes: ['main'],
});
export const failed = recordWith({
  job: { generation: 1, due: now, dead: { at: now } },
  error: { code: 'device-not-found', step: 'validate', message: 'balena knows no such device.', at: now },
  coolDownUntil: now + 600_000,
});
