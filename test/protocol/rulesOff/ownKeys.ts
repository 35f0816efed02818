import { ProvisioningError } from '../../../src/shared/errors.js';

import { act, calmly, own, provision, rotate, seconds } from './acts.js';
import type { ShownRule } from './ShownRule.js';

export const ownKeysOff: ShownRule[] = [
  {
    rule: 'a message from before the signature asks the hub which certificate a device may use whose record was lost',
    off: {
      onWrite: ({ job, desired }) => {
        if (job && desired.own?.thumbprint === null) Object.assign(job, { forceVerify: undefined });
      },
    },
    seen: ['the hub rejects the certificate that the device uses'],
    histories: {
      acts: [
        act(0, { ...own, csr: 'stays' }),
        act(20 * seconds, { kind: 'poll' }),
        act(1 * seconds, { kind: 'tamper', how: 'lose-record', scope: '' }),
      ],
      calm: false,
      crashes: 0.05,
      stalls: 0.04,
      failing: 0.3,
      stepMs: 50,
      poison: null,
      late: null,
      sick: null,
    },
    within: 600,
  },
  {
    rule: 'the variables of an issued key stay until the device has shown that it uses its own key',
    off: {
      onWrite: ({ desired }) => {
        if (desired.own) Object.assign(desired.own, { handedOver: true });
      },
    },
    seen: ['variables were removed before the use of the own key was shown'],
    histories: { acts: [act(0, provision), act(200 * seconds, own)], ...calmly },
    within: 100,
  },
  {
    rule: 'the own certificate before the last one stays accepted',
    off: {
      onWrite: ({ desired }) => {
        if (desired.own) Object.assign(desired.own, { before: null });
      },
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, own), act(200 * seconds, { ...own, fresh: true })], ...calmly },
    within: 100,
  },
  {
    rule: 'a revocation of an own certificate revokes its key',
    off: {
      onWrite: ({ desired }) => {
        Object.assign(desired, { revokedKeys: undefined });
      },
    },
    seen: ['not what was acknowledged'],
    histories: {
      acts: [act(0, own), act(200 * seconds, rotate), act(200 * seconds, { ...own, fresh: true })],
      ...calmly,
    },
    within: 100,
  },
  {
    rule: 'a revocation waits for no CA that does not answer',
    off: {
      // The failure does not look like one of the CA.
      ca: (ca) => ({
        ...ca,
        sign: (...signature) =>
          ca.sign(...signature).catch(() => {
            throw new ProvisioningError('ca-unavailable', 'No answer (fake).');
          }),
      }),
    },
    seen: ['a revocation waits for the CA'],
    histories: {
      acts: [
        act(0, { ...own, csr: 'stays' }),
        act(200 * seconds, { kind: 'ca', ms: 3_600 * seconds }),
        act(5 * seconds, { ...own, fresh: true, csr: 'stays' }),
        act(5 * seconds, rotate),
      ],
      ...calmly,
      failing: 0.3,
      faultsForMs: 900 * seconds,
    },
    within: 100,
  },
  {
    rule: 'a certificate of an unknown key does not stay beside a revocation: the record was lost',
    off: {
      onRead: (record) => {
        const { own, revokedKeys } = record.desired;
        if (own?.before && revokedKeys && !record.observed.ownKeys?.[own.before])
          record.observed = { ...record.observed, ownKeys: { [own.before]: 'another key' } };
      },
    },
    seen: ['a certificate of a revoked key was registered'],
    histories: {
      acts: [
        act(0, own),
        // The next request of the device waits for its registry operation.
        ...[1, 2].map((device) => ({ device, afterMs: 100 * seconds, what: provision })),
        { device: 1, afterMs: 0, what: rotate },
        act(0, { ...own, fresh: true }),
        act(4 * seconds, { kind: 'tamper', how: 'lose-record', scope: '' }),
        act(120 * seconds, rotate),
      ],
      ...calmly,
      perMinute: 6,
      failing: 0.3,
      stepMs: 50,
    },
    within: 300,
  },
  {
    rule: 'the record has a certificate of the CA before the hub hears of it',
    off: {
      onWrite: ({ desired }, before) => {
        const earlier = before?.desired.own;
        // The write of the signed certificate has no effect.
        if (earlier?.thumbprint === null && desired.own?.key === earlier.key)
          Object.assign(desired, { own: earlier });
      },
    },
    seen: ['the hub heard of a certificate that no record has held'],
    histories: { acts: [act(0, { ...own, csr: 'stays' })], ...calmly },
    within: 100,
  },
];
