import type { ErrorCode } from '../../../../src/shared/errorPolicy.js';
import { balenaDrills } from './balenaDrills.js';
import type { Drill, DrilledElsewhere } from './Drill.js';
import { hubDrills } from './hubDrills.js';
import { productDrills } from './productDrills.js';

/** The CA of the local system is a file, which always answers. */
const ofKeyVault: DrilledElsewhere = {
  test: 'test/integration/certificates/keyVault.test.ts',
  reason: 'Key Vault is no part of the local system.',
};

/** A drill for each code, or the test that causes the failure in another way. */
export const drills: Record<ErrorCode, Drill | DrilledElsewhere> = {
  ...balenaDrills,
  ...hubDrills,
  ...productDrills,
  'ca-unavailable': ofKeyVault,
  'ca-throttled': ofKeyVault,
  'ca-unauthorized': ofKeyVault,
  'ca-unusable': ofKeyVault,
  'records-unavailable': {
    test: 'test/e2e/outages.test.ts',
    reason: 'The tables do not answer, so nothing else can be tested meanwhile.',
  },
  'queue-unavailable': {
    test: 'test/e2e/outages.test.ts',
    reason: 'The queue does not answer, so nothing else can be tested meanwhile.',
  },
  'queue-throttled': {
    test: 'test/e2e/messages.test.ts',
    reason: 'The queue refuses every request, so nothing else can be tested meanwhile.',
  },
  'certificate-revoked': {
    test: 'test/unit/provisioning/reconcileOwn.test.ts',
    reason: 'Only the device can follow the advice, with a new key.',
  },
  'worker-died': {
    test: 'test/e2e/workerCrash.test.ts',
    reason:
      'Each death of a worker costs a lease, and stops the work of all other devices. The drill uses the crash of that test.',
  },
  'record-too-large': {
    test: 'test/unit/provisioning/worker.test.ts',
    reason: 'Every text in a record is bounded, so no request can make a record too large.',
  },
};
